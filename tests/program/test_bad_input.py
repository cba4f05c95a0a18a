"""The catalogue of bad input: what is given, what the program says, its exit code. Each is tested:
the code, the words, and that nothing is left behind. Below it what is odd and taken, with the line
that says so."""

import gzip
import os
import resource
import sys
import unittest

from program import (
    DATA, SOURCE, SUCCESS, USAGE, Case, h5py, log_transformed, numpy, read_table, small_counts,
    write_loom, write_tenx,
)  # fmt: skip

sys.path.insert(0, str(SOURCE / "tests/io/fixtures"))

HEADER = "%%MatrixMarket matrix coordinate integer general\n"
CELLS = ("--orientation", "cells-are-rows")


# What is given: functions of a test case that write a file and return its path.


def absent(name):
    return lambda case: case.folder / name


def file(name, content):
    return lambda case: case.write(name, content)


def mtx(text):
    return file("bad.mtx", text)


def csv(text):
    return file("bad.csv", text)


def changed(cell, gene, value):
    """A table of counts with another value in one place."""

    def make(case):
        counts = small_counts()
        counts[cell][gene] = value
        return case.write_counts("bad.csv", counts)

    return make


def counts(rows, name="counts.mtx"):
    write = Case.write_matrix_market if name.endswith(".mtx") else Case.write_counts
    return lambda case: write(case, name, rows)


def packed(damage):
    """A gzipped matrix, its bytes changed."""

    def make(case):
        data = bytearray(gzip.compress(case.write_matrix_market().read_bytes(), mtime=0))
        path = case.folder / "bad.mtx.gz"
        path.write_bytes(bytes(damage(data)))
        return path

    return make


def flip(data, at):
    data[at] ^= 255
    return data


def truncated_text(case):
    text = case.write_matrix_market().read_text()
    short = text[: 2 * len(text) // 3]
    return case.write("bad.mtx", short[: short.rindex("\n") + 1])


def h5ad(edit=None, **matrices):
    """An .h5ad, or nothing where there is no h5py."""

    def make(case):
        if h5py is None:
            case.skipTest("python3 with h5py and numpy is not here")
        path = case.write_h5ad("bad.h5ad", **{name: value() for name, value in matrices.items()})
        if edit:
            with h5py.File(path, "a") as opened:
                edit(opened)
        return path

    return make


def other_hdf5(write, name, edit=None, damage=None):
    """A 10x .h5 or a .loom, edited or its bytes changed; or nothing where there is no h5py."""

    def make(case):
        if h5py is None:
            case.skipTest("python3 with h5py and numpy is not here")
        path = case.folder / name
        write(path)
        if edit:
            with h5py.File(path, "a") as opened:
                edit(opened)
        if damage:
            path.write_bytes(damage(path.read_bytes()))
        return path

    return make


def tenx(edit=None, damage=None):
    return other_hdf5(write_tenx, "bad.h5", edit, damage)


def loom(edit=None, damage=None):
    return other_hdf5(write_loom, "bad.loom", edit, damage)


def put(name, at, value):
    """Another value in one place of a dataset."""

    def edit(opened):
        opened[name][at] = value

    return edit


def replace(name, values):
    """Another dataset."""

    def edit(opened):
        del opened[name]
        opened[name] = values

    return edit


def h5ad_bytes(damage):
    def make(case):
        path = h5ad()(case)
        path.write_bytes(damage(path.read_bytes()))
        return path

    return make


def claims(opened):
    """A matrix of 10^10 values, none of which is in the file."""
    del opened["X"]
    dense = opened.create_dataset("X", shape=(40, 250_000_000), dtype="f4", chunks=(1, 1_000_000), compression=4)
    dense.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def claims_nonzeros(opened):
    """The same of a sparse matrix."""
    del opened["X"]
    sparse = opened.create_group("X")
    sparse.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": (40, 12)})
    for name, kind in (("data", "f4"), ("indices", "i4")):
        sparse.create_dataset(name, shape=(10**10,), dtype=kind, chunks=(1_000_000,))
    sparse["indptr"] = numpy.array([0] + [10**10] * 40)


def scaled():
    log = log_transformed(small_counts())
    return (log - log.mean(0)) / log.std(0)


def log():
    return log_transformed(small_counts())


def with_value(value):
    def make():
        rows = numpy.array(small_counts(), dtype="float64")
        rows[2, 3] = value
        return rows

    return make


def one_layer():
    return {"counts": small_counts()}


def fifo(case):
    os.mkfifo(case.folder / "pipe.csv")
    return case.folder / "pipe.csv"


def folder(*parts):
    """A 10x directory of 12 genes x 40 cells with some of its files."""
    n_lines = {"barcodes.tsv": 40, "features.tsv": 12}

    def make(case):
        path = case.folder / "tenx"
        path.mkdir(exist_ok=True)
        for part in parts:
            name, _, n = part.partition(":")
            if name == "matrix.mtx":
                case.write_matrix_market("tenx/matrix.mtx")
            else:
                lines = range(int(n) if n else n_lines[name])
                case.write(f"tenx/{name}", "".join(f"x{k}\ty{k}\n" for k in lines))
        return path

    return make


def with_file(name, text, then):
    """Another file beside the input."""

    def make(case):
        case.write(name, text)
        return then(case)

    return make


def empty_cell(case):
    rows = small_counts()
    rows[5] = [0] * len(rows[5])
    return case.write_counts("bad.csv", rows)


def swapped(opened):
    """Cells with names of genes, and the other way round."""
    del opened["obs/_index"], opened["var/_index"]
    opened["obs/_index"] = [f"ENSG{k:011d}".encode() for k in range(40)]
    opened["var/_index"] = [f"AAACCTGAGAAAC{k:02d}".encode() for k in range(12)]


GOOD = counts(small_counts())
OUT = "{out}/out.h5ad"

# Each: what it is, the input, further arguments, the code, words of the message.
CATALOGUE = [
    # Files.
    ("missing", absent("none.h5ad"), (), DATA, ["none.h5ad", "no such file"]),
    ("no name", lambda case: "", (), DATA, ["no such file"]),
    ("an empty folder", folder(), (), DATA, ["tenx", "matrix.mtx"]),
    ("empty csv", file("a.csv", ""), (), DATA, ["a.csv", "empty"]),
    ("empty tsv.gz", file("a.tsv.gz", ""), (), DATA, ["a.tsv.gz", "empty"]),
    ("empty mtx", file("a.mtx", ""), (), DATA, ["a.mtx", "empty"]),
    ("empty mtx.gz", file("a.mtx.gz", ""), (), DATA, ["a.mtx.gz", "empty"]),
    ("empty h5ad", file("a.h5ad", ""), (), DATA, ["a.h5ad", "empty"]),
    ("empty h5", file("a.h5", ""), (), DATA, ["a.h5", "empty"]),
    ("empty loom", file("a.loom", ""), (), DATA, ["a.loom", "empty"]),
    ("empty npz", file("a.npz", ""), (), DATA, ["a.npz", "zip"]),
    ("a pipe", fifo, (), DATA, ["pipe.csv", "neither a file nor a folder"]),
    ("a device", lambda case: "/dev/null", (), DATA, ["/dev/null"]),
    # Of another kind than the name says.
    ("unknown ending", file("notes.doc", "hello\n"), (), USAGE, ["notes.doc", ".h5ad", ".mtx"]),
    ("text that is no table", file("notes.txt", "hello\n"), (), DATA, ["notes.txt:1", "one field"]),
    ("text as h5ad", file("a.h5ad", "hello\n"), (), DATA, ["a.h5ad", "not an HDF5 file"]),
    ("text as h5", file("a.h5", "hello\n"), (), DATA, ["a.h5", "not an HDF5 file"]),
    ("text as npz", file("a.npz", "hello\n"), (), DATA, ["a.npz", "zip"]),
    ("bytes as mtx", file("a.mtx", bytes(range(256)) * 8), (), DATA, ["a.mtx", "no text"]),
    ("text of another kind as mtx", file("a.mtx", "hello\n"), (), DATA, ["a.mtx:1", "MatrixMarket"]),
    ("UTF-16", file("a.csv", "cell,g1\nc1,1\n".encode("utf-16")), CELLS, DATA, ["a.csv", "UTF-16", "UTF-8"]),
    ("bytes as csv", file("a.csv", bytes(range(256)) * 8), (), DATA, ["a.csv"]),
    ("bzip2", file("a.mtx", b"BZh91AY&SY" + bytes(50)), (), DATA, ["a.mtx", "bzip2"]),
    ("other HDF5", h5ad(lambda f: (f.__delitem__("obs"), f.__delitem__("var"))), (), DATA,
     ["bad.h5ad", "not an .h5ad"]),
    ("folder called h5ad", lambda case: (case.folder / "b.h5ad").mkdir() or case.folder / "b.h5ad",
     (), DATA, ["b.h5ad", "matrix.mtx"]),
    # Truncated or damaged.
    ("truncated mtx", truncated_text, (), DATA, ["bad.mtx", "truncated"]),
    ("truncated gzip", packed(lambda d: d[: len(d) // 2]), (), DATA, ["bad.mtx.gz", "truncated"]),
    ("damaged gzip", packed(lambda d: flip(d, len(d) // 2)), (), DATA, ["bad.mtx.gz", "damaged"]),
    ("wrong gzip checksum", packed(lambda d: flip(d, len(d) - 6)), (), DATA, ["bad.mtx.gz"]),
    ("bytes behind gzip", packed(lambda d: d + b"x"), (), DATA, ["bad.mtx.gz", "damaged"]),
    ("truncated h5ad, 2 %", h5ad_bytes(lambda d: d[: len(d) // 50]), (), DATA, ["bad.h5ad"]),
    ("truncated h5ad, 60 %", h5ad_bytes(lambda d: d[: 6 * len(d) // 10]), (), DATA, ["bad.h5ad"]),
    ("truncated h5ad, 95 %", h5ad_bytes(lambda d: d[: 95 * len(d) // 100]), (), DATA, ["bad.h5ad"]),
    ("an h5ad that claims more than it holds", h5ad(claims), (), DATA, ["bad.h5ad: X: claims more values"]),
    ("an h5ad that claims more non-zeros than it holds", h5ad(claims_nonzeros), (), DATA,
     ["bad.h5ad: X/data: claims more values"]),
    ("truncated csv", csv("cell,g1,g2\nc1,1,2\nc2,1"), CELLS, DATA, ["bad.csv:3"]),
    # Matrix Market headers and entries.
    ("no banner", mtx("1 1 1\n1 1 1\n"), (), DATA, ["bad.mtx:1", "MatrixMarket"]),
    ("array", mtx("%%MatrixMarket matrix array integer general\n1 1\n1\n"), (), DATA,
     ["bad.mtx:1", "coordinate"]),
    ("complex", mtx("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n"), (), DATA,
     ["bad.mtx:1", "complex"]),
    ("no sizes", mtx(HEADER), (), DATA, ["bad.mtx", "sizes"]),
    ("sizes that are words", mtx(HEADER + "3 x 1\n1 1 1\n"), (), DATA, ["bad.mtx:2", "3 x 1"]),
    ("a negative size", mtx(HEADER + "-3 2 1\n1 1 1\n"), (), DATA, ["bad.mtx:2"]),
    ("a size of 20 digits", mtx(HEADER + "99999999999999999999 2 1\n1 1 1\n"), (), DATA, ["bad.mtx:2"]),
    ("sizes too large", mtx(HEADER + "9999999999 9999999999 1\n1 1 1\n"), (), DATA,
     ["bad.mtx:2", "too large"]),
    ("sizes not credible", mtx(HEADER + "2000000000 2 1\n1 1 1\n"), (), DATA, ["bad.mtx:2", "credible"]),
    ("more entries than bytes", mtx(HEADER + "20000 20000 90000000\n1 1 1\n"), (), DATA,
     ["bad.mtx:2", "more than a file of"]),
    ("more entries than places", mtx(HEADER + "2 2 9\n1 1 1\n"), (), DATA, ["bad.mtx:2", "fit"]),
    ("more entries than promised", mtx(HEADER + "2 2 1\n1 1 1\n2 2 1\n"), (), DATA,
     ["bad.mtx:4", "promises"]),
    ("row out of range", mtx(HEADER + "2 2 2\n1 1 1\n3 1 1\n"), (), DATA, ["bad.mtx:4", "row 3"]),
    ("row 0", mtx(HEADER + "2 2 2\n1 1 1\n0 1 1\n"), (), DATA, ["bad.mtx:4", "row 0"]),
    ("column out of range", mtx(HEADER + "2 2 2\n1 1 1\n1 3 1\n"), (), DATA, ["bad.mtx:4", "column 3"]),
    ("an entry twice", mtx(HEADER + "2 2 3\n1 1 1\n1 1 2\n2 2 1\n"), (), DATA,
     ["bad.mtx:4", "a second time"]),
    ("a word as value", mtx(HEADER + "2 2 2\n1 1 one\n2 2 1\n"), (), DATA, ["bad.mtx:3", "one"]),
    ("an entry without value", mtx(HEADER + "2 2 2\n1 1\n2 2 1\n"), (), DATA, ["bad.mtx:3"]),
    ("no entries", mtx(HEADER + "3 4 0\n"), (), DATA, ["bad.mtx:2", "empty"]),
    ("no rows", mtx(HEADER + "0 5 0\n"), ("--drop-empty-cells",), DATA, ["bad.mtx:2", "empty"]),
    # Tables.
    ("a header only", csv("cell,g1,g2\n"), CELLS, DATA, ["bad.csv", "header only"]),
    ("no header", csv("5,0,7\n0,1,2\n"), CELLS, DATA, ["bad.csv:1", "--no-header"]),
    ("no row names", csv("g1,g2,g3\n5,0,7\n5,1,2\n"), CELLS, DATA, ["bad.csv", "--no-row-names"]),
    ("a word in a table", csv("cell,g1,g2\nc1,1,one\n"), CELLS, DATA, ["bad.csv:2", "'one'", "'g2'", "'c1'"]),
    ("an empty field", csv("cell,g1,g2\nc1,1,\n"), CELLS, DATA, ["bad.csv:2", "empty field"]),
    ("a short row", csv("cell,g1,g2\nc1,1,2\nc2,1\n"), CELLS, DATA, ["bad.csv:3", "'c2'", "1 values"]),
    ("a long row", csv("cell,g1,g2\nc1,1,2\nc2,1,2,3\n"), CELLS, DATA, ["bad.csv:3", "'c2'", "3 values"]),
    ("a row without name", csv("cell,g1,g2\n,1,2\n"), CELLS, DATA, ["bad.csv:2", "no name"]),
    ("a header that lacks a name", csv("cell,g1,g2\nc1,1,2,3\nc2,1,2,3\n"), CELLS, DATA,
     ["bad.csv:1", "3 fields", "'cell'", "lacks a name"]),
    ("an open quote", csv('cell,g1,g2\n"c1,1,2\n'), CELLS, DATA, ["bad.csv:2", "quoted"]),
    ("cells or genes?", csv(",x,y\na,1,2\nb,3,4\n"), (), USAGE, ["bad.csv", "--orientation"]),
    # Values that are no counts.
    ("negative", changed(3, 7, -1), CELLS, DATA, ["bad.csv", "'c4'", "'g8'", "negative"]),
    ("NaN", changed(3, 7, "nan"), CELLS, DATA, ["bad.csv", "'c4'", "'g8'", "NaN"]),
    ("infinite", changed(3, 7, "inf"), CELLS, DATA, ["bad.csv", "'c4'", "'g8'", "infinite"]),
    ("fractional", changed(3, 7, 1.5), CELLS, DATA,
     ["bad.csv", "'c4'", "'g8'", "whole number", "--allow-non-integer"]),
    ("above 2^24", changed(3, 7, 2**24 + 1), CELLS, DATA, ["bad.csv", "'c4'", "'g8'", "2^24"]),
    ("1e300", changed(3, 7, "1e300"), CELLS, DATA, ["bad.csv", "'c4'", "'g8'"]),
    ("NaN in an h5ad", h5ad(x=with_value(float("nan"))), (), DATA, ["bad.h5ad: X", "'c3'", "'g4'", "NaN"]),
    ("log-transformed", h5ad(x=log), (), DATA, ["log-transformed", "raw counts"]),
    ("log-transformed, counts in a layer", h5ad(x=log, layers=one_layer), (), DATA,
     ["log-transformed", "run with --layer counts"]),
    ("log-transformed, counts in raw", h5ad(x=log, raw=small_counts), (), DATA,
     ["log-transformed", "run with --layer raw"]),
    ("scaled", h5ad(x=scaled), (), DATA, ["scaled or centred"]),
    # Names and shapes.
    ("no X", h5ad(lambda f: f.__delitem__("X")), (), DATA, ["bad.h5ad", "has no X"]),
    ("no such layer", h5ad(), ("--layer", "nosuch"), DATA, ["layers/nosuch", "X (no --layer)"]),
    ("fewer names than cells", h5ad(lambda f: f["obs"].move("_index", "x") or f["obs"].create_dataset(
        "_index", data=[b"c"])), (), DATA, ["bad.h5ad: X", "40 x 12", "1 cells"]),
    ("more names than genes", folder("matrix.mtx", "barcodes.tsv", "features.tsv:13"), (), DATA,
     ["12 x 40", "features.tsv has 13", "truncated"]),
    ("fewer names than genes", folder("matrix.mtx", "barcodes.tsv", "features.tsv:11"), (), DATA,
     ["12 x 40", "features.tsv has 11"]),
    ("more names than cells", folder("matrix.mtx", "barcodes.tsv:41", "features.tsv"), (), DATA,
     ["12 x 40", "barcodes.tsv has 41"]),
    ("features of unlike lines", with_file("tenx/features.tsv", "x0\ty0\n" + "x\ty\tGene Expression\n" * 11,
     folder("matrix.mtx", "barcodes.tsv")), (), DATA, ["features.tsv:2", "3 columns where line 1 has 2"]),
    ("no barcodes", folder("matrix.mtx", "features.tsv"), (), DATA, ["tenx", "barcodes.tsv"]),
    ("no features", folder("matrix.mtx", "barcodes.tsv"), (), DATA, ["features.tsv", "genes.tsv"]),
    ("names contradict --orientation", folder("matrix.mtx", "barcodes.tsv", "features.tsv"), CELLS, USAGE,
     ["--orientation", "genes"]),
    ("transposed", h5ad(swapped), (), DATA, ["'ENSG00000000000'", "transposed", "adata.T"]),
    ("a cell without counts", empty_cell, CELLS, DATA, ["'c6'", "--drop-empty-cells"]),
    ("all cells empty", counts([[0] * 5] * 6, "bad.csv"), (*CELLS, "--drop-empty-cells"), DATA, ["gene"]),
    ("one cell", counts([[3, 0, 2, 5, 1, 0, 7, 1]]), ("--n-top-genes", 0, "--min-cells", 1), DATA,
     ["one cell"]),
    ("one gene", counts([[k + 1] for k in range(10)]), ("--n-top-genes", 0), DATA, ["one gene"]),
    ("no gene in enough cells", counts([[1, 0], [0, 1]]), (), DATA, ["--min-cells"]),
    ("inputs without a shared gene",
     with_file("other.csv", "cell,x1,x2\nc1,1,2\n", counts(small_counts(), "bad.csv")),
     ("other.csv", *CELLS), DATA, ["share no gene", "other.csv"]),
    # 10x .h5 and .loom.
    ("truncated 10x h5", tenx(damage=lambda d: d[: len(d) // 2]), (), DATA, ["bad.h5"]),
    ("10x h5, a gene out of range", tenx(put("matrix/indices", 5, 99)), (), DATA,
     ["bad.h5: matrix", "AAAC0-1", "gene number 99", "there are 12"]),
    ("10x h5, a gene twice", tenx(put("matrix/indices", 1, 0)), (), DATA, ["AAAC0-1", "ENSG00000000000", "twice"]),
    ("10x h5, pointers that fall", tenx(put("matrix/indptr", 3, 0)), (), DATA, ["matrix/indptr", "AAAC2-1"]),
    ("10x h5, fewer barcodes than cells", tenx(replace("matrix/barcodes", [b"AAAC"])), (), DATA,
     ["bad.h5: matrix", "40 x 12", "1 cells"]),
    ("10x h5, another shape", tenx(put("matrix/shape", 0, 11)), (), DATA, ["bad.h5: matrix", "40 x 11", "12 genes"]),
    ("10x h5, negative", tenx(put("matrix/data", 3, -2)), (), DATA, ["bad.h5: matrix", "AAAC0-1", "negative"]),
    ("10x h5, above 2^24", tenx(put("matrix/data", 3, 2**24 + 1)), (), DATA, ["bad.h5: matrix", "AAAC0-1", "2^24"]),
    ("truncated loom", loom(damage=lambda d: d[: len(d) // 2]), (), DATA, ["bad.loom"]),
    ("loom, NaN", loom(put("matrix", (2, 3), float("nan"))), (), DATA, ["bad.loom: matrix", "'c3'", "'g2'", "NaN"]),
    ("loom, fewer names than genes", loom(replace("row_attrs/Gene", [b"g0"])), (), DATA,
     ["bad.loom: row_attrs/Gene", "1 values", "12"]),
    ("loom, transposed", loom(lambda f: replace("matrix", f["matrix"][:].T)(f)), (), DATA,
     ["bad.loom: col_attrs/CellID", "40 values", "12"]),
    # Options.
    ("--layer of a matrix", GOOD, ("--layer", "x"), USAGE, ["--layer x", ".h5ad"]),
    ("--genome of a matrix", GOOD, ("--genome", "x"), USAGE, ["--genome", "10x .h5"]),
    ("--no-header of a matrix", GOOD, ("--no-header",), USAGE, ["--no-header", "tables"]),
    ("--orientation of an h5ad", h5ad(), CELLS, USAGE, ["--orientation", "tables"]),
    ("--batch-key of a matrix", GOOD, ("--batch-key", "donor"), USAGE, ["--cells FILE"]),
    ("--batch-key that is not there", h5ad(), ("--batch-key", "donor"), DATA, ["no column donor"]),
    ("--cells without --batch-key", GOOD, ("--cells", "x.tsv"), USAGE, ["--batch-key"]),
    ("--cells of other cells", with_file("x.tsv", "cell\tdonor\nc1\ta\n", GOOD),
     ("--batch-key", "donor", "--cells", "x.tsv"), DATA, ["x.tsv", "'cell0'"]),
    ("- twice", lambda case: "-", ("-",), USAGE, ["'-' is given twice"]),
    ("genes that are not there", with_file("genes.txt", "gene1\nnosuch\n", GOOD),
     ("--genes-file", "genes.txt"), DATA, ["genes.txt", "nosuch"]),
    ("an empty list of genes", with_file("genes.txt", "", GOOD), ("--genes-file", "genes.txt"), DATA,
     ["genes.txt"]),
    ("a list of blank lines", with_file("genes.txt", "\n\n", GOOD), ("--genes-file", "genes.txt"), DATA,
     ["genes.txt:1"]),
    ("no list of genes", GOOD, ("--genes-file", "none.txt"), DATA, ["none.txt"]),
    ("two choices of genes", with_file("genes.txt", "gene1\n", GOOD),
     ("--genes-file", "genes.txt", "--n-top-genes", 5), USAGE, ["--genes-file", "--n-top-genes"]),
    ("compression out of range", GOOD, ("--compression", 10), USAGE, ["--compression"]),
    # Outputs.
    ("output of unknown ending", GOOD, ("-o", "{out}/x.txt"), USAGE, ["x.txt", ".h5ad"]),
    ("output in no folder", GOOD, ("-o", "{out}/none/x.h5ad"), DATA, ["none", "does not exist"]),
    ("output where nothing may be written", GOOD, ("-o", "/proc/x.h5ad"), DATA, ["/proc", "cannot write"]),
    ("output that is the input", GOOD, ("-o", "{folder}/counts.mtx", "--outputs", "log2"), USAGE, ["same"]),
    ("two outputs of one name", GOOD, ("-o", "{out}/x.csv", "-o", "{out}/./x.csv"), USAGE, ["two outputs"]),
    ("latent as a matrix", GOOD, ("-o", "{out}/x.mtx", "--outputs", "latent"), USAGE, ["latent"]),
    ("a full disk", GOOD, ("-o", "{out}/x.h5ad", "--n-top-genes", 0, "full disk"), DATA, ["out/", "x.h5ad"]),
]  # fmt: skip


class BadInput(Case):
    def run_row(self, make, arguments):
        path = make(self)
        options = {}
        if "full disk" in arguments:  # files of 4 kB at most
            arguments = [word for word in arguments if word != "full disk"]
            limit = (4096, 4096)
            options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        words = [str(word).format(out=self.out, folder=self.folder) for word in arguments]
        if "-o" not in words:
            words += ["-o", self.out / "out.h5ad"]
        return self.run_program("denoise", path, "--epochs", 2, *words, **options)

    def test_the_catalogue(self):
        names = [row[0] for row in CATALOGUE]
        self.assertEqual(len(names), len(set(names)))
        for name, make, arguments, code, words in CATALOGUE:
            with self.subTest(name):
                self.setUp()
                done = self.run_row(make, arguments)
                self.assert_refused(done, code, words)
                last = done.err.splitlines()[-1]
                self.assertTrue(last.startswith("maskclass: ") or code == USAGE, done.err)

    def test_hvg_inspect_and_evaluate_refuse_alike(self):
        self.write("bad.csv", "cell,g1\nc1,-1\n")
        done = self.run_program("hvg", "bad.csv", "-o", self.out / "hvg.tsv", *CELLS)
        self.assert_refused(done, DATA, ["bad.csv", "negative"])
        done = self.run_program("hvg", "missing.h5ad", "-o", self.out / "hvg.tsv")
        self.assert_refused(done, DATA, ["missing.h5ad"])
        done = self.run_program("evaluate", "missing.h5ad", "--labels", "bad.csv")
        self.assert_refused(done, DATA, ["missing.h5ad"])
        done = self.run_program("inspect", "missing.h5ad")
        self.assert_refused(done, DATA, ["missing.h5ad"])


def unsorted(case):
    lines = case.write_matrix_market().read_text().splitlines(keepends=True)
    return case.write("unsorted.mtx", "".join(lines[:2] + lines[:1:-1]))


def with_genes(*columns):
    return counts([row + [value(k) for value in columns] for k, row in enumerate(small_counts())])


def repeated_names(case):
    rows = small_counts()
    lines = ["cell," + ",".join(["g1"] * 2 + [f"g{k}" for k in range(3, 13)])]
    lines += [f"c{k // 2}," + ",".join(map(str, row)) for k, row in enumerate(rows)]
    return case.write("repeated.csv", "\n".join(lines) + "\n")


def rare_gene(case):
    """A 13th gene in 3 of 1,000 cells: both of its quantiles are 0."""
    return case.write_matrix_market(
        counts=[row + [5 if k < 3 else 0] for k, row in enumerate(small_counts(1000))])  # fmt: skip


def unsorted_indices(opened):
    """The matrix as csr, each cell's genes from the last to the first."""
    dense = opened["X"][:]
    del opened["X"]
    sparse = opened.create_group("X")
    sparse.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": dense.shape})
    genes = [numpy.flatnonzero(row)[::-1] for row in dense]
    sparse["data"] = numpy.concatenate([row[kept] for row, kept in zip(dense, genes)])
    sparse["indices"] = numpy.concatenate(genes).astype("i4")
    sparse["indptr"] = numpy.cumsum([0] + [len(kept) for kept in genes])


def csv_without_last_line_end(case):
    path = case.write_counts("bad.csv")
    path.write_text(path.read_text()[:-1])
    return path


# Each: what it is, the input, further arguments, the line that says what was done.
TAKEN = [
    ("a gene without counts", with_genes(lambda k: 0), (), "kept 12 of 13 genes"),
    ("a constant gene", with_genes(lambda k: 2), (), "kept 13 of 13 genes"),
    ("a gene constant after winsorising", rare_gene, (),
     "1 gene is constant after winsorising and will be rebuilt as that constant"),
    ("entries in any order", unsorted, (), "entries of 40 cells were out of order and have been sorted"),
    ("unsorted indices", h5ad(unsorted_indices), (),
     "bad.h5ad: X: entries of 40 cells were out of order and have been sorted"),
    ("fewer cells than a batch", counts(small_counts(20)), (),
     "20 cells: fewer than a batch of 32, so every step takes all of them"),
    ("a last line without end", csv_without_last_line_end, CELLS, "the last line has no line end"),
    ("the largest count", changed(3, 7, 2**24), CELLS, "kept 12 of 12 genes"),
    ("a cell without counts, dropped", empty_cell, (*CELLS, "--drop-empty-cells"), "dropped 1 of 40 cells"),
    ("repeated names", repeated_names, CELLS, "1 gene names are not the first of their kind"),
    ("no names", counts(small_counts()), (), "no names beside it"),
]


class Accepted(Case):
    def test_what_is_odd_is_taken_and_told(self):
        results = {}
        for name, make, arguments, line in TAKEN:
            with self.subTest(name):
                self.setUp()
                done = self.run_program(
                    "denoise", make(self), "-o", self.out / "a.csv", "--outputs", "log2", "--n-top-genes", 0,
                    "--epochs", 2, *arguments, code=SUCCESS)  # fmt: skip
                self.assertIn(line, done.err)
                results[name] = read_table(self.out / "a.csv")
        # The order of entries, and genes without counts, change nothing.
        values = results["no names"][2]
        for name in ("entries in any order", "unsorted indices", "a last line without end"):
            if name in results:  # A case may need h5py.
                self.assertEqual(results[name][2], values)
        self.assertEqual(results["a gene without counts"][2], values)
        self.assertEqual(results["repeated names"][1][:3], ["g1", "g1", "g3"])
        self.assertEqual(results["repeated names"][2], values)
        dropped = results["a cell without counts, dropped"][0]
        self.assertEqual(dropped, [f"c{k}" for k in range(1, 41) if k != 6])


if __name__ == "__main__":
    unittest.main()
