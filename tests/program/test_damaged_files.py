"""Files with damaged bytes: a message and an exit code, never a signal and never a wait; of text,
which other code can read too, never a result of other values than those that are there.

What is damaged where follows from a seed. MASKCLASS_DAMAGED_FILES says how many of each kind."""

import csv
import gzip
import os
import random
import resource
import unittest
import zlib

from program import (
    DATA, SOURCE, SUCCESS, USAGE, Case, h5py, needs_h5py, numpy, small_counts, write_loom, write_tenx,
)  # fmt: skip

try:
    import elements
except ImportError:  # without numpy and h5py
    elements = None

N_FILES = int(os.environ.get("MASKCLASS_DAMAGED_FILES", 12))
# engine/io/hdf5/trial.cpp gives a file of this size 10 seconds of the processor; a sound one takes
# less than a tenth of a second.
MOST_SECONDS = 15


def flipped(data, rng):
    for _ in range(rng.choice((1, 1, 4, 16))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def overwritten(data, rng):
    start = rng.randrange(len(data))
    length = rng.choice((1, 4, 8, 32, 512))
    for at in range(start, min(len(data), start + length)):
        data[at] = rng.choice((0, 255, rng.randrange(256)))
    return data


def truncated(data, rng):
    return data[: rng.randrange(1, len(data))]


DAMAGES = (flipped, flipped, overwritten, truncated)
# Everything is read and, of an .h5ad, carried over.
ALL = ("--epochs", 0, "--min-cells", 0, "--n-top-genes", 0, "--drop-empty-cells", "--allow-non-integer",
       "--threads", 1, "--device", "cpu")  # fmt: skip


class DamagedFiles(Case):
    def check(self, path, data, seed, damages=DAMAGES, arguments=()):
        """Damages a file and denoises; whether that succeeded, with the result in out/o.h5ad."""
        rng = random.Random(seed)
        damage = rng.choice(damages)
        path.write_bytes(bytes(damage(bytearray(data), rng)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.run_program("denoise", *(arguments or (path,)), "-o", "out/o.h5ad", *ALL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with self.subTest(path.name, seed=seed, damage=damage.__name__):
            self.assertIn(done.returncode, (SUCCESS, DATA, USAGE), done.err)
            self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, MOST_SECONDS)
            left = self.files()
            for name in left if done.returncode != SUCCESS else ():
                (self.out / name).unlink()
            if done.returncode != SUCCESS:
                self.assertIn("maskclass: ", done.err)
            self.assertEqual(left, ["o.h5ad"] if done.returncode == SUCCESS else [])
            return done.returncode == SUCCESS


class DamagedHdf5(DamagedFiles):
    def check_all(self, name, data):
        for seed in range(N_FILES):
            if self.check(self.folder / name, data, f"{name} {seed}"):
                (self.out / "o.h5ad").unlink()

    def test_h5ad(self):
        fixtures = sorted((SOURCE / "tests/io/fixtures").glob("*.h5ad"))
        self.assertTrue(fixtures)
        for fixture in fixtures:
            self.check_all(fixture.name, fixture.read_bytes())

    @needs_h5py
    def test_tenx(self):
        for legacy in (False, True):
            path = self.folder / f"{'legacy' if legacy else 'tenx'}.h5"
            write_tenx(path, legacy)
            self.check_all(path.name, path.read_bytes())

    @needs_h5py
    def test_loom(self):
        path = self.folder / "counts.loom"
        write_loom(path)
        self.check_all(path.name, path.read_bytes())


def digits(data, rng):
    """Text that stays text: other digits, separators and line ends."""
    for _ in range(rng.choice((1, 2, 8))):
        data[rng.randrange(len(data))] = rng.choice(b"0123456789.-+eE ,\t\n\r\"x%")
    return data


def repeated(data, rng):
    """A piece of it a second time."""
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 7, 60, 300)))
    return data[:end] + data[start:end] + data[end:]


TEXT_DAMAGES = (flipped, overwritten, truncated, digits, digits, repeated)


def number(text):
    """A number as C writes it: Python also takes 1_000, and digits of other scripts."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return numpy.float32(text)


def entries_of_matrix_market(data):
    """{(cell, gene): value} by the format's definition, or ValueError."""
    lines = data.decode("latin1").split("\n")
    if lines[0].split()[:2] != ["%%MatrixMarket", "matrix"]:
        raise ValueError("no banner")
    rows = [line.split() for line in lines[1:] if line.strip() and not line.startswith("%")]
    n_genes, n_cells, n_entries = map(int, rows[0])
    entries = {}
    for row, column, value in rows[1:]:
        gene, cell = int(row) - 1, int(column) - 1
        if not (0 <= gene < n_genes and 0 <= cell < n_cells) or (cell, gene) in entries:
            raise ValueError("no such place, or twice")
        entries[cell, gene] = number(value)
    if len(entries) != n_entries:
        raise ValueError("another number of entries")
    return entries


def rows_of_table(data, separator):
    """The corner, names of columns, and [name, values...] of each row, or ValueError."""
    lines = data.decode("latin1").split("\n")
    table = [row for row in csv.reader((line.rstrip("\r") for line in lines if line), delimiter=separator)]
    return table[0][0], table[0][1:], [[row[0], *map(number, row[1:])] for row in table[1:]]


@needs_h5py
class DamagedText(DamagedFiles):
    """What is read must be what the damaged text says."""

    def result(self):
        """{(cell's name, gene's name): count} of the result, which is removed."""
        with h5py.File(self.out / "o.h5ad") as file:
            cells, genes = self.names(file["obs/_index"]), self.names(file["var/_index"])
            counts = elements.read(file["X"])[1]
        (self.out / "o.h5ad").unlink()
        return [
            ((cell, gene), value)
            for cell, row in zip(cells, counts) for gene, value in zip(genes, row) if value
        ]  # fmt: skip

    @staticmethod
    def names(dataset):
        """A character for each byte: damaged text may be no UTF-8."""
        return list(dataset.asstr("latin1")[:])

    def check_text(self, name, text, expected, damages=TEXT_DAMAGES, arguments=()):
        n_taken = 0
        for k in range(N_FILES):
            seed = f"{name} {k}"
            path = self.folder / name
            if not self.check(path, text, seed, damages, arguments):
                continue
            n_taken += 1
            with self.subTest(name, seed=seed):
                found = self.result()
                wanted = [(key, value) for key, value in expected(path.read_bytes()) if value]
                self.assertEqual(sorted(found), sorted(wanted))
        return n_taken

    def unpacked(self, data):
        """What gzip makes of it; a ValueError where it is damaged."""
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError from error

    def numbered(self, entries):
        return [((f"cell{cell}", f"gene{gene}"), value) for (cell, gene), value in entries.items()]

    def test_matrix_market(self):
        text = self.write_matrix_market().read_bytes()
        expected = lambda data: self.numbered(entries_of_matrix_market(data))
        self.check_text("a.mtx", text, expected)
        packed = gzip.compress(text, mtime=0)
        self.check_text("a.mtx.gz", packed, lambda data: expected(self.unpacked(data)), DAMAGES)

    def test_tables(self):
        cells = ("--orientation", "cells-are-rows")
        text = self.write_counts().read_bytes()
        for separator, name in ((",", "a.csv"), ("\t", "a.tsv"), (",", "a.csv.gz")):

            def expected(data):
                corner, columns, rows = rows_of_table(self.unpacked(data) if name.endswith("gz") else data, separator)
                if {len(row) for row in rows} == {len(columns) + 2}:
                    columns.insert(0, corner)  # as R writes it
                if {len(row) for row in rows} != {len(columns) + 1}:
                    raise ValueError("rows of other lengths")
                return [((row[0], gene), value) for row in rows for gene, value in zip(columns, row[1:])]

            plain = text.replace(b",", separator.encode())
            damages = DAMAGES if name.endswith("gz") else TEXT_DAMAGES
            data = gzip.compress(plain, mtime=0) if name.endswith("gz") else plain
            self.check_text(name, data, expected, damages, (name, *cells))

    def test_npz(self):
        """Its parts have checksums: what is read is what was written."""
        path = self.folder / "a.npz"
        counts = numpy.array(small_counts(), dtype="f4")
        cells, genes = numpy.nonzero(counts)
        numpy.savez_compressed(
            path, data=counts[cells, genes], indices=genes.astype("i4"), shape=numpy.array(counts.shape),
            indptr=numpy.concatenate([[0], numpy.cumsum((counts > 0).sum(1))]).astype("i4"), format=b"csr")  # fmt: skip
        whole = self.numbered({(c, g): counts[c, g] for c, g in zip(cells.tolist(), genes.tolist())})
        self.check_text("a.npz", path.read_bytes(), lambda data: whole, DAMAGES)

    def test_names(self):
        """Of a 10x directory: as many as there are lines, each what its line says."""
        counts = small_counts()
        whole = {(c, g): v for c, row in enumerate(counts) for g, v in enumerate(row)}
        self.write_matrix_market("tenx/matrix.mtx", counts)
        barcodes = self.write("tenx/barcodes.tsv", "".join(f"AAAC{k}-1\n" for k in range(40)))
        features = self.write(
            "tenx/features.tsv", "".join(f"ENSG{k:05}\tg{k}\tGene Expression\n" for k in range(12)))  # fmt: skip

        def names(data):
            lines = data.decode("latin1").split("\n")
            return [line.rstrip("\r").split("\t")[0] for line in lines if line]

        def expected(_):
            cells, genes = names(barcodes.read_bytes()), names(features.read_bytes())
            kinds = [line.split("\t") for line in features.read_text("latin1").split("\n") if line]
            kept = [g for g, fields in enumerate(kinds) if len(fields) < 3 or fields[2].rstrip("\r") == "Gene Expression"]
            return [((cells[c], genes[g]), v) for (c, g), v in whole.items() if g in kept]

        for path in (barcodes, features):
            text = path.read_bytes()
            self.check_text(f"tenx/{path.name}", text, expected, TEXT_DAMAGES, ("tenx",))
            path.write_bytes(text)

    def test_lists_of_genes_and_tables_of_cells(self):
        """Read with another file; the counts are whole."""
        self.write_matrix_market()
        genes = self.write("genes.txt", "".join(f"gene{k}\n" for k in range(0, 12, 2))).read_bytes()
        table = self.write("cells.tsv", "cell\tdonor\n" + "".join(
            f"cell{k}\td{k % 2}\n" for k in range(40))).read_bytes()  # fmt: skip
        counts = small_counts()

        def listed(data):
            kept = {int(line.strip()[4:]) for line in data.decode("latin1").split("\n") if line.strip()}
            return [((f"cell{c}", f"gene{g}"), counts[c][g]) for c in range(40) for g in kept]

        def everything(_):
            return [((f"cell{c}", f"gene{g}"), counts[c][g]) for c in range(40) for g in range(12)]

        only = ("counts.mtx", "--genes-file", "genes.txt")
        for k in range(N_FILES):  # --n-top-genes of ALL would contradict it
            self.check_list(genes, f"genes.txt {k}", only, listed)
        keyed = ("counts.mtx", "--batch-key", "donor", "--cells", "cells.tsv")
        self.check_text("cells.tsv", table, everything, TEXT_DAMAGES, keyed)

    def check_list(self, data, seed, arguments, expected):
        rng = random.Random(seed)
        path = self.folder / "genes.txt"
        path.write_bytes(bytes(rng.choice(TEXT_DAMAGES)(bytearray(data), rng)))
        done = self.run_program(
            "denoise", *arguments, "-o", "out/o.h5ad", "--epochs", 0, "--min-cells", 0, "--threads", 1,
            "--drop-empty-cells")  # fmt: skip
        with self.subTest("genes.txt", seed=seed):
            self.assertIn(done.returncode, (SUCCESS, DATA, USAGE), done.err)
            if done.returncode != SUCCESS:
                self.assertIn("maskclass: ", done.err)
                self.assertEqual(self.files(), [])
                return
            found = self.result()
            wanted = [(key, value) for key, value in expected(path.read_bytes()) if value]
            self.assertEqual(sorted(found), sorted(wanted))

    def test_labels(self):
        self.write_matrix_market()
        self.run_program(
            "denoise", "counts.mtx", "-o", "d.csv", "--outputs", "log2", "--n-top-genes", 0, "--epochs", 0,
            code=SUCCESS)  # fmt: skip
        text = "cell\tlabel\n" + "".join(f"cell{k}\tl{k % 3}\n" for k in range(40))
        path = self.folder / "labels.tsv"
        for k in range(N_FILES):
            rng = random.Random(f"labels {k}")
            path.write_bytes(bytes(rng.choice(TEXT_DAMAGES)(bytearray(text.encode()), rng)))
            done = self.run_program("evaluate", "d.csv", "--labels", path)
            with self.subTest("labels.tsv", seed=k):
                self.assertIn(done.returncode, (SUCCESS, DATA, USAGE), done.err)
                self.assertIn("ARI" if done.returncode == SUCCESS else "maskclass: ", done.out + done.err)


if __name__ == "__main__":
    unittest.main()
