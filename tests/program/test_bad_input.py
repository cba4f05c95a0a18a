"""Inputs that cannot be denoised: the exit code, what the message says, and that nothing is left."""

import gzip
import os
import unittest

from program import (
    DATA, USAGE, Case, h5py, log_transformed, needs_h5py, numpy, read_table, small_counts,
)  # fmt: skip

HEADER = "%%MatrixMarket matrix coordinate integer general\n"


class BadInput(Case):
    def refuse(self, path, code, *words, arguments=()):
        done = self.run_program("denoise", path, "-o", self.out / "out.h5ad", *arguments)
        self.assert_refused(done, code, words)
        return done

    def test_missing_and_empty(self):
        (self.folder / "folder").mkdir()
        self.refuse("nothing.h5ad", DATA, "nothing.h5ad", "no such file")
        self.refuse("folder", DATA, "folder", "matrix.mtx")
        self.refuse("", DATA, "no such file")
        for name in ("a.csv", "a.tsv.gz", "a.mtx", "a.mtx.gz", "a.h5ad"):
            with self.subTest(name):
                self.refuse(self.write(name, ""), DATA, name)
                (self.folder / name).write_bytes(b"")  # not even a gzip header
                self.refuse(name, DATA, name)

    def test_a_file_of_another_kind(self):
        self.refuse(self.write("notes.doc", "hello\n"), USAGE, "notes.doc", ".h5ad", ".mtx")
        self.refuse(self.write("notes.txt", "hello\n"), DATA, "notes.txt:1", "one field")
        self.refuse(self.write("a.h5ad", "hello\n"), DATA, "a.h5ad")
        (self.folder / "b.h5ad").mkdir()
        self.refuse("b.h5ad", DATA, "b.h5ad")
        self.refuse(self.write("a.mtx", os.urandom(4000)), DATA, "a.mtx")
        self.refuse(self.write("a.csv", os.urandom(4000)), DATA, "a.csv")

    def test_special_files_do_not_hang(self):
        os.mkfifo(self.folder / "pipe.csv")
        for name in ("pipe.csv", "/dev/null"):
            done = self.run_program("denoise", name, "-o", self.out / "out.h5ad")
            self.assertIn(done.returncode, (DATA, USAGE), done.err)
            self.assertIn(name, done.err)
            self.assertEqual(self.files(), [])

    def test_truncated_text(self):
        text = self.write_matrix_market().read_text()
        short = text[: 2 * len(text) // 3]
        short = short[: short.rindex("\n") + 1]
        self.refuse(self.write("short.mtx", short), DATA, "short.mtx", "truncated")
        packed = gzip.compress(text.encode())
        (self.folder / "short.mtx.gz").write_bytes(packed[: len(packed) // 2])
        self.refuse("short.mtx.gz", DATA, "short.mtx.gz", "truncated")
        packed = bytearray(packed)
        packed[len(packed) // 2] ^= 255
        (self.folder / "damaged.mtx.gz").write_bytes(bytes(packed))
        self.refuse("damaged.mtx.gz", DATA, "damaged.mtx.gz")
        table = self.write_counts().read_text()
        cut = self.write("cut.csv", table[: table.rindex(",")])
        self.refuse(cut, DATA, "cut.csv:41")

    @needs_h5py
    def test_truncated_h5ad(self):
        data = self.write_h5ad().read_bytes()
        for share in (0.02, 0.3, 0.6, 0.95):
            (self.folder / "short.h5ad").write_bytes(data[: int(len(data) * share)])
            self.refuse("short.h5ad", DATA, "short.h5ad")

    @needs_h5py
    def test_h5ad_without_counts(self):
        path = self.write_h5ad()
        with h5py.File(path, "a") as file:
            del file["X"]
        self.refuse(path, DATA, "counts.h5ad", "X")
        self.refuse(path, DATA, "layers/nosuch", arguments=("--layer", "nosuch"))
        with h5py.File(self.folder / "other.h5ad", "w") as file:
            file["table"] = [1, 2, 3]
        self.refuse("other.h5ad", DATA, "not an .h5ad")

    def test_matrix_market(self):
        table = {
            "no banner": ("1 1 1\n1 1 1\n", "MatrixMarket"),
            "array": ("%%MatrixMarket matrix array integer general\n1 1\n1\n", "coordinate"),
            "complex": ("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n", ""),
            "no size": (HEADER, ""),
            "bad size": (HEADER + "3 x 1\n1 1 1\n", ":2"),
            "negative size": (HEADER + "-3 2 1\n1 1 1\n", ":2"),
            "huge size": (HEADER + "99999999999999999999 2 1\n1 1 1\n", ":2"),
            "not credible": (HEADER + "9999999999 9999999999 1\n1 1 1\n", ":2"),
            "more entries than places": (HEADER + "2 2 9\n1 1 1\n", ""),
            "row out of range": (HEADER + "2 2 2\n1 1 1\n3 1 1\n", ":4"),
            "row 0": (HEADER + "2 2 2\n1 1 1\n0 1 1\n", ":4"),
            "column out of range": (HEADER + "2 2 2\n1 1 1\n1 3 1\n", ":4"),
            "duplicate": (HEADER + "2 2 3\n1 1 1\n1 1 2\n2 2 1\n", "a second time"),
            "a word": (HEADER + "2 2 2\n1 1 one\n2 2 1\n", ":3"),
            "too few fields": (HEADER + "2 2 2\n1 1\n2 2 1\n", ":3"),
            "too many entries": (HEADER + "2 2 1\n1 1 1\n2 2 1\n", ":4"),
        }
        for name, (text, word) in table.items():
            with self.subTest(name):
                self.refuse(self.write("bad.mtx", text), DATA, "bad.mtx", word)

    def test_tables(self):
        table = {
            "header only": ("cell,g1,g2\n", ""),
            "a word": ("cell,g1,g2\nc1,1,one\n", "'one'"),
            "an empty field": ("cell,g1,g2\nc1,1,\n", ":2"),
            "a short line": ("cell,g1,g2\nc1,1,2\nc2,1\n", ":3"),
            "a long line": ("cell,g1,g2\nc1,1,2\nc2,1,2,3\n", ":3"),
        }
        for name, (text, word) in table.items():
            with self.subTest(name):
                path = self.write("bad.csv", text)
                self.refuse(path, DATA, "bad.csv", word,
                            arguments=("--orientation", "cells-are-rows"))  # fmt: skip

    def test_values_that_are_no_counts(self):
        for value, word in {
            "-1": "negative",
            "nan": "NaN",
            "inf": "infinite",
            "1.5": "whole number",
            "16777217": "2^24",
            "1e300": "",
        }.items():
            with self.subTest(value):
                counts = small_counts()
                counts[3][7] = value
                arguments = ("--orientation", "cells-are-rows")
                path = self.write_counts("bad.csv", counts)
                done = self.refuse(path, DATA, "bad.csv", word, arguments=arguments)
                if value != "1e300":
                    self.assertIn("'c4'", done.err)
                    self.assertIn("'g8'", done.err)

    def test_largest_count_is_read(self):
        counts = small_counts()
        counts[3][7] = 2**24
        path = self.write_counts("large.csv", counts)
        self.denoise(path, "-o", "ok.h5ad", "--orientation", "cells-are-rows")

    @needs_h5py
    def test_transformed_h5ad_names_the_layer_that_holds_counts(self):
        counts = small_counts()
        log = log_transformed(counts)
        path = self.write_h5ad(x=log, layers={"counts": counts})
        self.refuse(path, DATA, "log-transformed", "--layer counts")
        self.denoise(path, "--layer", "counts", "-o", "ok.h5ad")
        self.refuse(self.write_h5ad(x=log, raw=counts), DATA, "log-transformed", "--layer raw")
        self.refuse(self.write_h5ad(x=log), DATA, "log-transformed", "raw counts")
        scaled = (log - log.mean(0)) / log.std(0)
        self.refuse(self.write_h5ad(x=scaled), DATA, "scaled")
        bad = numpy.array(counts, dtype="float32")
        bad[2, 3] = numpy.nan
        self.refuse(self.write_h5ad(x=bad), DATA, "'c3'", "'g4'", "NaN")

    def test_a_layer_of_a_text_file(self):
        done = self.refuse(self.write_matrix_market(), USAGE, "--layer", arguments=("--layer", "x"))
        self.assertIn(".h5ad", done.err)

    def test_a_cell_without_counts(self):
        counts = small_counts()
        counts[5] = [0] * len(counts[5])
        path = self.write_counts(counts=counts)
        arguments = ("--orientation", "cells-are-rows")
        self.refuse(path, DATA, "c6", "--drop-empty-cells", arguments=arguments)
        self.denoise(path, "-o", "ok.csv", "--outputs", "log2", "--drop-empty-cells", *arguments)
        cells = read_table(self.folder / "ok.csv")[0]
        self.assertEqual(cells, [f"c{k}" for k in range(1, 41) if k != 6])

    def test_nothing_at_all(self):
        zeros = self.write("zeros.mtx", HEADER + "3 4 0\n")
        self.refuse(zeros, DATA, "")
        self.refuse(zeros, DATA, "", arguments=("--drop-empty-cells",))
        self.refuse(self.write("none.mtx", HEADER + "0 0 0\n"), DATA, "none.mtx")
        self.refuse(self.write("cells.mtx", HEADER + "0 5 0\n"), DATA, "")

    def test_small_shapes(self):
        """One cell, one gene, fewer cells than a batch: done, or refused with a word on why."""
        cases = {
            "one cell": [[3, 0, 2, 5, 1, 0, 7, 1]],
            "one gene": [[k + 1] for k in range(10)],
            "one entry": [[4]],
            "two cells": [[3, 0, 2], [1, 5, 0]],
        }
        for name, counts in cases.items():
            for arguments in (("--n-top-genes", 0, "--min-cells", 1), ()):
                with self.subTest(name, arguments=arguments):
                    path = self.write_matrix_market(counts=counts)
                    done = self.run_program(
                        "denoise", path, "-o", self.out / "out.csv", "--outputs", "log2,biozero",
                        "--epochs", 2, *arguments)  # fmt: skip
                    if done.returncode == DATA:
                        self.assertEqual(self.files(), [])
                        self.assertIn("--", done.err)  # which option helps
                        self.assertNotIn("--n-top-genes", arguments)
                        continue
                    self.assertEqual(done.returncode, 0, done.err)
                    values = read_table(self.out / "out.log2.csv")[2]
                    self.assertEqual(len(values), len(counts))
                    self.assertTrue(all(0 <= v < 100 for row in values for v in row), values)
                    for file in self.out.iterdir():
                        file.unlink()

    def test_genes_without_counts_are_left_out(self):
        counts = [row + [0, 0] for row in small_counts()]
        path = self.write_matrix_market(counts=counts)
        self.denoise(path, "-o", "ok.csv", "--outputs", "log2", "--n-top-genes", 0)
        self.assertEqual(len(read_table(self.folder / "ok.csv")[1]), 12)

    def test_a_matrix_that_does_not_fit_its_names(self):
        folder = self.folder / "tenx"
        folder.mkdir()
        self.write_matrix_market("tenx/matrix.mtx")
        self.refuse(folder, DATA, "barcodes.tsv")
        self.write("tenx/barcodes.tsv", "".join(f"c{k}\n" for k in range(40)))
        self.refuse(folder, DATA, "features.tsv", "genes.tsv")
        self.write("tenx/features.tsv", "".join(f"g{k}\tG{k}\n" for k in range(11)))
        self.refuse(folder, DATA, "11", "12", "tenx/features.tsv")
        self.write("tenx/features.tsv", "".join(f"g{k}\tG{k}\n" for k in range(12)))
        self.denoise(folder, "-o", "ok.h5ad")

    def test_gene_lists(self):
        path = self.write_matrix_market()
        table = {
            "gene1\nnosuch\n": (DATA, ["nosuch", "genes.txt"]),
            "": (DATA, ["genes.txt"]),
            "\n\n": (DATA, ["genes.txt"]),
        }
        for text, (code, words) in table.items():
            with self.subTest(text):
                genes = self.write("genes.txt", text)
                self.refuse(path, code, *words, arguments=("--genes-file", genes))
        self.refuse(path, DATA, "missing.txt", arguments=("--genes-file", "missing.txt"))
        self.refuse(path, USAGE, "--n-top-genes", "--genes-file",
                    arguments=("--genes-file", genes, "--n-top-genes", 5))  # fmt: skip

    def test_hvg_and_evaluate_refuse_alike(self):
        self.write("bad.csv", "cell,g1\nc1,-1\n")
        arguments = ("--orientation", "cells-are-rows")
        done = self.run_program("hvg", "bad.csv", "-o", self.out / "hvg.tsv", *arguments)
        self.assert_refused(done, DATA, ["bad.csv", "negative"])
        done = self.run_program("hvg", "missing.h5ad", "-o", self.out / "hvg.tsv")
        self.assert_refused(done, DATA, ["missing.h5ad"])
        done = self.run_program("evaluate", "missing.h5ad", "--labels", "bad.csv")
        self.assert_refused(done, DATA, ["missing.h5ad"])


if __name__ == "__main__":
    unittest.main()
