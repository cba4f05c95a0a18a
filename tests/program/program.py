"""Runs the program in a temporary folder, and makes small inputs for it."""

import gzip
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = os.environ["MASKCLASS_PROGRAM"]
SOURCE = Path(os.environ["MASKCLASS_SOURCE_DIR"])
SHARED = Path(os.environ.get("MASKCLASS_SHARED", SOURCE.parent / "shared"))

SUCCESS, DATA, USAGE, DEVICE, INTERRUPTED = 0, 1, 2, 3, 130
# A hang is a failure of one test, not of the whole run.
SECONDS = 120

try:
    import h5py
    import numpy
except ImportError:
    h5py = numpy = None
try:
    import anndata
except ImportError:
    anndata = None

needs_h5py = unittest.skipIf(h5py is None, "python3 with h5py and numpy is not here")
needs_anndata = unittest.skipIf(anndata is None, "python3 with anndata is not here")


class Case(unittest.TestCase):
    """A test with an empty folder, in which the program runs and outputs go to out/."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="maskclass-test-"))
        self.out = self.folder / "out"
        self.out.mkdir()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_program(self, *arguments, **options):
        """Exit code, standard output and standard error; `code` given, the first is checked."""
        wanted = options.pop("code", None)
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            timeout=SECONDS,
            **options,
        )
        done.out = (done.stdout or b"").decode(errors="replace")
        done.err = (done.stderr or b"").decode(errors="replace")
        if wanted is not None:
            self.assertEqual(done.returncode, wanted, f"{arguments}\n{done.out}{done.err}")
        return done

    def denoise(self, *arguments, **options):
        """A short training that must succeed."""
        options.setdefault("code", SUCCESS)
        return self.run_program("denoise", *arguments, "--epochs", 2, **options)

    def assert_refused(self, done, code, words):
        """The exit code, every word in the message, and nothing left in out/."""
        self.assertEqual(done.returncode, code, done.args[1:] + [done.err])
        for word in words:
            self.assertIn(word, done.err, done.args[1:])
        self.assertEqual(self.files(), [], done.args[1:])

    def files(self, folder=None):
        """All files in out/, hidden ones too."""
        return sorted(os.listdir(folder or self.out))

    def write(self, name, text):
        """A text file, gzipped where its name says so."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    def write_counts(self, name="counts.csv", counts=None):
        """A table of cells x genes with names c1, c2, ... and g1, g2, ..."""
        counts = small_counts() if counts is None else counts
        lines = ["cell," + ",".join(f"g{j + 1}" for j in range(len(counts[0])))]
        lines += [f"c{i + 1}," + ",".join(map(str, row)) for i, row in enumerate(counts)]
        return self.write(name, "\n".join(lines) + "\n")

    def write_matrix_market(self, name="counts.mtx", counts=None):
        """Genes x cells, as 10x writes it, without names."""
        counts = small_counts() if counts is None else counts
        entries = [
            f"{gene + 1} {cell + 1} {value}"
            for cell, row in enumerate(counts)
            for gene, value in enumerate(row)
            if value
        ]
        return self.write(
            name,
            "%%MatrixMarket matrix coordinate integer general\n"
            f"{len(counts[0])} {len(counts)} {len(entries)}\n" + "\n".join(entries) + "\n",
        )

    def write_h5ad(self, name="counts.h5ad", x=None, layers=None, raw=None):
        """Dense matrices in the layout of anndata 0.8, by h5py alone."""
        x = numpy.array(small_counts() if x is None else x, dtype="float32")
        path = self.folder / name

        def frame(group, names):
            group.attrs.update(
                {"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"}
            )
            group.attrs["column-order"] = numpy.array([], dtype=h5py.string_dtype())
            group.create_dataset("_index", data=names, dtype=h5py.string_dtype())

        def matrix(group, key, values):
            group.create_dataset(key, data=numpy.asarray(values, dtype="float32"))

        genes = [f"g{j + 1}" for j in range(x.shape[1])]
        with h5py.File(path, "w") as file:
            file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
            matrix(file, "X", x)
            frame(file.create_group("obs"), [f"c{i + 1}" for i in range(x.shape[0])])
            frame(file.create_group("var"), genes)
            for key, values in (layers or {}).items():
                matrix(file.require_group("layers"), key, values)
            if raw is not None:
                frame(file.create_group("raw/var"), genes)
                matrix(file["raw"], "X", raw)
        return path

    def simulate(self, name="sim", *arguments, cells=80, genes=60, seed=1):
        """The folder of a small simulation, which is made where it is not there yet."""
        if (self.folder / name).exists():
            return self.folder / name
        self.run_program(
            "simulate", "equal", "-o", name, "--cells", cells, "--genes", genes,
            "--seed", seed, "--quiet", *arguments, code=SUCCESS)  # fmt: skip
        return self.folder / name


def small_counts(n_cells=40, n_genes=12, seed=1):
    """Counts with about 40 % zeros; no cell and no gene is empty, and genes vary."""
    draw = random.Random(seed)
    counts = [
        [0 if draw.random() < 0.4 else 1 + int(draw.expovariate(0.2)) for _ in range(n_genes)]
        for _ in range(n_cells)
    ]
    for cell, row in enumerate(counts):
        row[cell % n_genes] += 1
    return counts


def write_tenx(path, legacy=False):
    """A 10x .h5 of small_counts(), of Cell Ranger 3 or of the layout before."""
    counts = numpy.array(small_counts(), dtype="i4")
    n_cells, n_genes = counts.shape
    with h5py.File(path, "w") as file:
        group = file.create_group("GRCh38" if legacy else "matrix")
        cells, genes = numpy.nonzero(counts)
        group["data"] = counts[cells, genes]
        group["indices"] = genes.astype("i8")
        group["indptr"] = numpy.concatenate([[0], numpy.cumsum((counts > 0).sum(1))]).astype("i8")
        group["shape"] = numpy.array([n_genes, n_cells], dtype="i4")
        group["barcodes"] = numpy.array([f"AAAC{k}-1" for k in range(n_cells)], dtype="S12")
        names = numpy.array([f"g{k}" for k in range(n_genes)], dtype="S8")
        ids = numpy.array([f"ENSG{k:011}" for k in range(n_genes)], dtype="S15")
        if legacy:
            group["genes"], group["gene_names"] = ids, names
        else:
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            features["feature_type"] = numpy.array(["Gene Expression"] * n_genes, dtype="S15")
            features["genome"] = numpy.array(["GRCh38"] * n_genes, dtype="S6")


def write_loom(path):
    """small_counts() in chunks, compressed."""
    counts = numpy.array(small_counts(), dtype="f4").T
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=counts, chunks=(4, 8), compression="gzip")
        text = h5py.string_dtype()
        file.create_dataset("row_attrs/Gene", data=[f"g{k}" for k in range(len(counts))], dtype=text)
        file.create_dataset("col_attrs/CellID", data=[f"c{k}" for k in range(counts.shape[1])], dtype=text)
        file.create_group("layers")


def log_transformed(counts):
    """log1p of counts scaled to 10,000 a cell, as scanpy leaves it in X."""
    counts = numpy.array(counts, dtype="float64")
    return numpy.log1p(counts / counts.sum(1, keepdims=True) * 1e4)


def read_npy(path):
    """Rows of a little-endian float32 array, without numpy."""
    data = Path(path).read_bytes()
    assert data[:6] == b"\x93NUMPY", path
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10 : 10 + length], {"__builtins__": {}})  # a literal with False in it
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    n_rows, n_columns = header["shape"]
    values = struct.unpack(f"<{n_rows * n_columns}f", data[10 + length :])
    return [list(values[k * n_columns : (k + 1) * n_columns]) for k in range(n_rows)]


def read_table(path):
    """Row names, column names, values."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt") as file:
        separator = "," if ".csv" in str(path) else "\t"
        lines = [line.rstrip("\n").split(separator) for line in file]
    return (
        [line[0] for line in lines[1:]],
        lines[0][1:],
        [[float(value) for value in line[1:]] for line in lines[1:]],
    )


def read_safetensors(path):
    """The header, and each tensor's values by name. https://github.com/huggingface/safetensors"""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    tensors = {}
    end = 0
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        start, stop = tensor["data_offsets"]
        assert start == end, f"{name}: a hole or an overlap"
        end = stop
        tensors[name] = struct.unpack(f"<{(stop - start) // 4}f", body[start:stop])
    assert end == len(body), "bytes that no tensor owns"
    return header, tensors
