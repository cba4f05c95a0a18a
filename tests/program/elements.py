"""Reads elements of .h5ad files into plain Python values, whichever anndata wrote them, by h5py
alone: what two files hold can be compared without an anndata that reads both."""

import h5py
import numpy


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def encoding(node):
    return text(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "")))


def plain(values):
    """An array as a list; strings decoded, records as tuples."""
    values = numpy.asarray(values)
    if values.dtype.names:
        return [tuple(text(field) for field in row.tolist()) for row in values.ravel()]
    if values.dtype.kind in "OS":
        flat = [text(value) for value in values.ravel()]
        return numpy.array(flat, dtype=object).reshape(values.shape).tolist()
    return values.tolist()


def read(node):
    """(kind, values), where kind tells apart what reads as equal lists: the numpy type, say."""
    if isinstance(node, h5py.Dataset):
        if "categories" in node.attrs:  # anndata 0.7
            categories = node.file[node.attrs["categories"]]
            ordered = bool(categories.attrs.get("ordered", False))
            return categorical(node[:], plain(categories[()]), ordered)
        values = node[()]
        if isinstance(values, (bytes, str)):
            return "string", text(values)
        kind = "text" if node.dtype.kind in "OS" else str(node.dtype)
        return kind, plain(values)
    kind = encoding(node)
    if kind in ("csr_matrix", "csc_matrix"):
        return f"{kind} {node['data'].dtype}", dense(node, kind).tolist()
    if kind == "categorical":
        return categorical(node["codes"][:], read(node["categories"])[1], bool(node.attrs["ordered"]))
    if kind.startswith("nullable"):
        return nullable(kind, node)
    if kind == "dataframe":
        return "dataframe", table(node)
    return "dict", {name: read(child) for name, child in node.items() if name != "__categories"}


def categorical(codes, categories, ordered):
    values = [None if code < 0 else categories[code] for code in codes]
    return f"categorical {categories} {ordered}", values


def nullable(kind, node):
    values, mask = plain(node["values"][:]), node["mask"][:]
    if kind == "nullable-string-array" and not mask.any():
        return "text", values  # written as plain text, which older versions read, too
    return kind, [None if hidden else value for value, hidden in zip(values, mask)]


def dense(node, kind):
    pointers, indices, data = node["indptr"][:], node["indices"][:], node["data"][:]
    shape = tuple(node.attrs["shape"])
    values = numpy.zeros(shape, dtype=data.dtype)
    for major in range(len(pointers) - 1):
        at = slice(pointers[major], pointers[major + 1])
        if kind == "csr_matrix":
            values[major, indices[at]] = data[at]
        else:
            values[indices[at], major] = data[at]
    return values


def table(node):
    """The index, then the columns in their order."""
    index = text(node.attrs["_index"])
    columns = [text(name) for name in node.attrs["column-order"]]
    return {name: read(node[name]) for name in [index, *columns]}


def pick(value, rows=None, columns=None):
    """The same, of some rows and columns."""
    kind, values = value
    if kind == "dataframe":
        return kind, {name: pick(column, rows) for name, column in values.items()}
    if rows is not None:
        values = [values[row] for row in rows]
    if columns is not None:
        values = [[row[column] for column in columns] for row in values]
    return kind, values
