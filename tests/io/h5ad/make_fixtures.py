"""Makes the .h5ad files that the tests read. Usage: make_fixtures.py FOLDER"""

import shutil
import sys
import warnings
from pathlib import Path
from unittest import mock

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

import fixture_values as values

warnings.filterwarnings("ignore")
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
counts = values.counts()
log = np.log1p(counts).astype("float32")


def frames():
    obs = pd.DataFrame(index=values.cell_names())
    var = pd.DataFrame({"gene_symbols": values.symbols()}, index=values.gene_names())
    return obs, var


def anndata(x, **more):
    obs, var = frames()
    try:
        return ad.AnnData(x, obs=obs, var=var, dtype=x.dtype, **more)
    except TypeError:  # newer anndata always keeps the type
        return ad.AnnData(x, obs=obs, var=var, **more)


def write(name, x, compression=None, **more):
    anndata(x, **more).write_h5ad(folder / f"{name}.h5ad", compression=compression)


def readable():
    write("csr_float32", sp.csr_matrix(counts, dtype="float32"))
    write("csr_float64_gzip", sp.csr_matrix(counts, dtype="float64"), compression="gzip")
    write("csr_int64", sp.csr_matrix(counts, dtype="int64"))
    write("csr_uint32", sp.csr_matrix(counts, dtype="uint32"))
    write("csc_float32", sp.csc_matrix(counts, dtype="float32"))
    write("csc_int32_gzip", sp.csc_matrix(counts, dtype="int32"), compression="gzip")
    write("dense_float32", counts.astype("float32"))
    write("dense_float64_gzip", counts.astype("float64"), compression="gzip")
    write("dense_int32", counts.astype("int32"))
    shuffled = sp.csr_matrix(counts, dtype="float32")
    for cell in range(values.N_CELLS):  # genes of a cell in descending order
        row = slice(shuffled.indptr[cell], shuffled.indptr[cell + 1])
        shuffled.indices[row] = shuffled.indices[row][::-1].copy()
        shuffled.data[row] = shuffled.data[row][::-1].copy()
    write("csr_unsorted", shuffled)
    zeros = sp.csr_matrix(counts + 1, dtype="float64")
    zeros.data -= 1  # every entry is stored, most of them zeros
    write("csr_stored_zeros", zeros)
    shutil.copy(folder / "csr_float32.h5ad", folder / "csr_wide.h5ad")
    with h5py.File(folder / "csr_wide.h5ad", "a") as file:  # 64-bit indices, as scipy has for more than 2^31 values
        for name in ("indices", "indptr"):
            wide = file["X"][name][:].astype("int64")
            del file["X"][name]
            file["X"][name] = wide
    shutil.copy(folder / "csr_float32.h5ad", folder / "fixed_names.h5ad")
    with h5py.File(folder / "fixed_names.h5ad", "a") as file:
        names = np.array([name.replace("α", "a").encode() for name in values.cell_names()])
        del file["obs/_index"]
        file["obs/_index"] = names


def with_layers():
    sparse_log = sp.csr_matrix(log)
    sparse_counts = sp.csr_matrix(counts, dtype="float32")
    write("layer_counts", sparse_log, layers={"counts": sparse_counts, "other": sparse_counts * 2})
    write("layer_odd_name", sparse_log, layers={"umi": sparse_counts})
    write("log_only", sparse_log)
    raw = anndata(sparse_counts)
    some = anndata(sparse_log)[:, 3:20].copy()
    some.raw = raw
    some.write_h5ad(folder / "raw.h5ad")


def all_columns():
    obs, var = frames()
    n = values.N_CELLS
    order = ["low", "middle", "high", "never"]
    text = np.array([f"text {k % 4}" for k in range(n)], dtype=object)
    obs["text"] = text
    obs["categories"] = pd.Categorical([f"type {k * k % 5}" for k in range(n)])
    with_missing = [None if k % 7 == 0 else order[k % 3] for k in range(n)]
    obs["ordered"] = pd.Categorical(with_missing, categories=order, ordered=True)
    obs["whole"] = np.arange(n, dtype="int16") * 3
    obs["number"] = np.arange(n) / 3
    obs["single"] = (np.arange(n) / 7).astype("float32")
    obs["flag"] = np.arange(n) % 3 == 0
    obs["nullable_whole"] = pd.array([None if k % 5 == 0 else k for k in range(n)], dtype="Int32")
    obs["nullable_flag"] = pd.array([None if k % 4 == 0 else k % 2 == 0 for k in range(n)], dtype="boolean")
    obs["number_categories"] = pd.Categorical(np.arange(n) % 3 * 10)
    obs["maskclass_library_size"] = np.zeros(n)  # as from an earlier run: to be replaced
    obs.index.name = "barcode"
    del var["gene_symbols"]
    var["feature_name"] = pd.Categorical(values.symbols())
    var["highly_variable"] = True
    var["length"] = np.arange(values.N_GENES, dtype="int64")
    data = ad.AnnData(sp.csr_matrix(counts, dtype="float32"), obs=obs, var=var)
    with mock.patch.object(ad.AnnData, "strings_to_categoricals", lambda self, df=None: None):
        data.write_h5ad(folder / "columns.h5ad")  # "text" stays an array of strings


def old_layouts():
    """As anndata 0.7 wrote categories, and h5sparse matrices of before."""
    shutil.copy(folder / "columns.h5ad", folder / "old.h5ad")
    with h5py.File(folder / "old.h5ad", "a") as file:
        for frame in ("obs", "var"):
            group = file[frame]
            for name in list(group.attrs["column-order"]):
                column = group[name]
                if isinstance(column, h5py.Group) and "codes" in column:
                    codes, categories = column["codes"][:], column["categories"][:]
                    ordered = column.attrs["ordered"]
                    del group[name]
                    kept = group.require_group("__categories").create_dataset(name, data=categories)
                    kept.attrs["ordered"] = ordered
                    group.create_dataset(name, data=codes).attrs["categories"] = kept.ref
                elif isinstance(column, h5py.Dataset):
                    for attribute in list(column.attrs):
                        del column.attrs[attribute]
        x = file["X"]
        shape = x.attrs["shape"]
        for attribute in list(x.attrs):
            del x.attrs[attribute]
        x.attrs["h5sparse_format"] = "csr"
        x.attrs["h5sparse_shape"] = shape
    with h5py.File(folder / "compound.h5ad", "w") as file:
        file["X"] = counts.astype("float32")
        for frame, names in (("obs", values.cell_names()), ("var", values.gene_names())):
            rows = np.array([(name.encode(), 1) for name in names], dtype=[("index", "S12"), ("n", "i4")])
            file[frame] = rows


def damage(name, edit, source="csr_float32"):
    path = folder / f"bad_{name}.h5ad"
    shutil.copy(folder / f"{source}.h5ad", path)
    with h5py.File(path, "a") as file:
        edit(file)


def put(name, at, value):
    def edit(file):
        file[name][at] = value
    return edit


def replace(name, change):
    def edit(file):
        changed = change(file[name][:])
        attributes = dict(file[name].attrs)
        del file[name]
        file[name] = changed
        file[name].attrs.update(attributes)
    return edit


def malformed():
    damage("gene_out_of_range", put("X/indices", 3, values.N_GENES))
    damage("gene_negative", put("X/indices", 3, -1))
    damage("cell_out_of_range", put("X/indices", 3, values.N_CELLS), "csc_float32")
    damage("gene_twice", put("X/indices", 1, 0))
    damage("indptr_falls", put("X/indptr", 4, 0))
    damage("indptr_beyond", put("X/indptr", 4, 10**6))
    damage("indptr_start", put("X/indptr", 0, 1))
    damage("indptr_short", replace("X/indptr", lambda x: x[:-1]))
    damage("indptr_end", replace("X/indptr", lambda x: np.append(x[:-1], x[-1] - 1)))
    damage("indices_short", replace("X/indices", lambda x: x[:-1]))
    damage("obs_short", replace("obs/_index", lambda x: x[:-1]))
    damage("symbols_short", replace("var/gene_symbols/codes", lambda x: x[:-1]))
    damage("code_beyond", put("var/gene_symbols/codes", 2, 100))
    damage("text_matrix", replace("X/data", lambda x: x.astype("S8")))
    damage("nan", put("X/data", 2, np.nan))
    damage("negative", put("X/data", 2, -1))
    damage("too_large", put("X/data", 2, 2**24 + 1), "csr_int64")
    damage("too_large_dense", put("X", (1, 2), 2**24 + 1), "dense_int32")
    damage("no_x", lambda file: file.__delitem__("X"))
    damage("no_indices", lambda file: file.__delitem__("X/indices"))
    damage("no_encoding", lambda file: file["X"].attrs.__delitem__("encoding-type"))
    damage("unknown_encoding", lambda file: file["X"].attrs.__setitem__("encoding-type", "coo_matrix"))
    damage("no_index", lambda file: (file["obs"].attrs.__delitem__("_index"), file.__delitem__("obs/_index")))
    damage("dense_obs_short", replace("obs/_index", lambda x: x[:-1]), "dense_float32")

    def huge(file):
        del file["X"]
        file.create_dataset("X", (2**45, values.N_GENES), chunks=(1024, values.N_GENES), dtype="f4")
    damage("huge", huge)

    def huge_indptr(file):
        file["X"].attrs["shape"] = np.array([2**55, values.N_GENES])
        del file["X/indptr"]
        file.create_dataset("X/indptr", (2**55 + 1,), chunks=(1024,), dtype="i8")
    damage("huge_indptr", huge_indptr)

    whole = (folder / "csr_float32.h5ad").read_bytes()
    (folder / "bad_truncated.h5ad").write_bytes(whole[: len(whole) // 2])
    (folder / "bad_text.h5ad").write_text("cell,gene\n1,2\n")
    (folder / "bad_empty.h5ad").write_bytes(b"")
    (folder / "bad_folder.h5ad").mkdir(exist_ok=True)
    with h5py.File(folder / "bad_cell_ranger.h5ad", "w") as file:
        file["matrix/barcodes"] = np.array([b"A", b"B"])
    with h5py.File(folder / "bad_other.h5ad", "w") as file:
        file["something"] = 1


readable()
with_layers()
all_columns()
old_layouts()
malformed()
