"""Converts 10x directories into every format, denoises from each and compares the results' bytes.
Usage: same_in_every_format.py PROGRAM FOLDER DATA_SET..."""

import csv
import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import anndata
import h5py
import loompy
import numpy
import pandas
import scipy.io
import scipy.sparse

OPTIONS = ("--epochs", "3", "--allow-non-integer", "--quiet")
OUTPUTS = ("log2", "counts", "latent")


def lines_of(path):
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file]


class DataSet:
    def __init__(self, path):
        self.path = path
        by_gene = scipy.io.mmread(path / "matrix.mtx.gz").tocsc().astype("float32")
        self.counts = by_gene.T.tocsr()
        self.counts.sort_indices()
        self.cells = [row[0] for row in lines_of(path / "barcodes.tsv.gz")]
        features = lines_of(path / "features.tsv.gz")
        self.ids = [row[0] for row in features]
        self.symbols = [row[1] for row in features]


def tenx_h5(data, path, legacy):
    def words(values):
        return numpy.array([value.encode() for value in values])

    with h5py.File(path, "w") as file:
        group = file.create_group("GRCh38" if legacy else "matrix")
        whole = (data.counts.data == numpy.round(data.counts.data)).all()
        values = data.counts.data.astype("int32") if whole else data.counts.data
        group.create_dataset("data", data=values, compression="gzip", chunks=(80000,) if len(values) > 80000 else None)
        group.create_dataset("indices", data=data.counts.indices.astype("int64"), compression="gzip")
        group["indptr"] = data.counts.indptr.astype("int64")
        group["shape"] = numpy.array(data.counts.shape[::-1], dtype="int32")
        group["barcodes"] = words(data.cells)
        if legacy:
            group["genes"], group["gene_names"] = words(data.ids), words(data.symbols)
            return
        features = group.create_group("features")
        features["id"], features["name"] = words(data.ids), words(data.symbols)
        features["feature_type"] = words(["Gene Expression"] * len(data.ids))
        features["genome"] = words(["GRCh38"] * len(data.ids))


def h5ad(data, path, matrix, **options):
    var = pandas.DataFrame({"gene_symbols": data.symbols}, index=data.ids)
    anndata.AnnData(matrix, obs=pandas.DataFrame(index=data.cells), var=var).write_h5ad(path, **options)


def texts(row):
    """Whole numbers as such, others as the shortest text that gives the float32 back."""
    whole = row.astype("int64")
    if (whole == row).all():
        return map(str, whole.tolist())
    return [numpy.format_float_positional(value, unique=True, trim="-") for value in row]


def table(data, path, separator, genes_down):
    matrix = data.counts.toarray()
    rows, columns = (data.ids, data.cells) if genes_down else (data.cells, data.ids)
    values = matrix.T if genes_down else matrix
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        quoted = csv.writer(file, delimiter=separator, lineterminator="\n")
        quoted.writerow(["", *columns])
        for name, row in zip(rows, values):
            quoted.writerow([name, *texts(row)])


def matrix_market(data, folder, prefix):
    folder.mkdir()
    for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
        shutil.copy(data.path / f"{name}.gz", folder / f"{prefix}{name}.gz")


def inputs(data, folder):
    """Each format: path and options."""
    yield data.path, ()
    matrix_market(data, folder / "prefixed", "GSM1_")
    yield folder / "prefixed", ()
    yield folder / "prefixed/GSM1_matrix.mtx.gz", ()
    for legacy in (False, True):
        path = folder / f"{'legacy' if legacy else 'v3'}.h5"
        tenx_h5(data, path, legacy)
        yield path, ()
    for name, matrix, options in (
        ("csr", data.counts, {}),
        ("csr-gzip", data.counts.astype("float64"), {"compression": "gzip"}),
        ("csc", data.counts.tocsc(), {}),
        ("dense", data.counts.toarray(), {"compression": "gzip"}),
    ):
        path = folder / f"{name}.h5ad"
        h5ad(data, path, matrix, **options)
        yield path, ()
    path = folder / "a.loom"
    loompy.create(str(path), data.counts.T.tocoo(), {"Gene": numpy.array(data.ids, dtype=object)},
                  {"CellID": numpy.array(data.cells, dtype=object)})  # fmt: skip
    yield path, ()
    path = folder / "a.npz"
    scipy.sparse.save_npz(path, data.counts)
    (folder / "a.cells.txt").write_text("\n".join(data.cells) + "\n")
    (folder / "a.genes.txt").write_text("\n".join(data.ids) + "\n")
    yield path, ()
    table(data, folder / "cells.csv", ",", False)
    yield folder / "cells.csv", ("--orientation", "cells-are-rows")
    table(data, folder / "genes.tsv.gz", "\t", True)
    yield folder / "genes.tsv.gz", ("--orientation", "genes-are-rows")


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    failures = 0
    for name in map(Path, sys.argv[3:]):
        data = DataSet(name)
        place = folder / name.name
        place.mkdir(parents=True)
        first = None
        n_formats = 0
        for path, options in inputs(data, place):
            for old in place.glob("out.*"):
                old.unlink()
            subprocess.run([program, "denoise", path, "-o", place / "out.npy", *OPTIONS, *options], check=True)
            found = [(place / f"out.{kind}.npy").read_bytes() for kind in OUTPUTS]
            first = first or found
            n_formats += 1
            if found != first:
                failures += 1
                different = [kind for kind, a, b in zip(OUTPUTS, found, first) if a != b]
                print(f"{name.name}: {path.name}: {different} differ", flush=True)
        print(f"{name.name}: {data.counts.shape[0]} cells x {data.counts.shape[1]} genes, {n_formats} inputs", flush=True)
        results = place / "results"
        results.mkdir()
        subprocess.run(
            [program, "denoise", place / "csr.h5ad", *OPTIONS, "-o", results / "a.h5ad", "-o", results / "a.h5",
             "-o", results / "folder", "-o", results / "a.csv", "-o", results / "t.tsv.gz", "-o", results / "a.npy",
             "-o", results / "m.mtx.gz"], check=True)  # fmt: skip
        for path in place.iterdir():  # large, and made again in a minute
            if path.suffix in (".csv", ".gz", ".h5", ".loom", ".npz", ".npy") and path.is_file():
                path.unlink()
    print("the same bytes from every format" if failures == 0 else f"{failures} formats differ")
    sys.exit(failures > 0)


main()
