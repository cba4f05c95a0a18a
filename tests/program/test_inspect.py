"""`maskclass inspect`: what it says of good files and of each kind of bad one."""

import json
import subprocess
import unittest

from program import (
    PROGRAM, SECONDS, SUCCESS, USAGE, Case, log_transformed, needs_h5py, numpy, small_counts,
)  # fmt: skip


class Inspect(Case):
    def inspect(self, *arguments):
        return json.loads(self.run_program("inspect", *arguments, "--json", code=SUCCESS).out)

    def test_counts(self):
        counts = small_counts()
        found = self.inspect(self.write_matrix_market())
        libraries = sorted(sum(row) for row in counts)
        nonzeros = [value for row in counts for value in row if value]
        self.assertEqual((found["n_cells"], found["n_genes"]), (40, 12))
        self.assertEqual(found["n_nonzeros"], len(nonzeros))
        self.assertEqual((found["min_nonzero"], found["max"]), (min(nonzeros), max(nonzeros)))
        middle = (libraries[19] + libraries[20]) / 2
        self.assertEqual(
            found["library_sizes"], {"min": libraries[0], "median": middle, "max": libraries[-1]})  # fmt: skip
        self.assertEqual(found["n_genes_found"], 12)
        self.assertTrue(found["whole_numbers"] and found["can_be_denoised"])
        self.assertEqual(found["transformation"], "")

    def test_text_and_one_screen(self):
        done = self.run_program("inspect", self.write_matrix_market(), code=SUCCESS)
        self.assertLess(len(done.out.splitlines()), 25)
        for words in ("Matrix Market", "40 cells x 12 genes", "whole numbers", "library sizes", "denoise` takes it"):
            self.assertIn(words, done.out)

    def test_standard_input(self):
        text = self.write_matrix_market().read_bytes()
        done = subprocess.run([PROGRAM, "inspect", "-", "--json"], input=text, capture_output=True, timeout=SECONDS)
        self.assertEqual(json.loads(done.stdout)["n_genes"], 12)
        done = self.run_program("inspect", "a.mtx", "b.mtx")
        self.assertEqual(done.returncode, USAGE)

    def test_problems(self):
        """Each with the word that says what to do, and whether `denoise` would go on."""
        empty = small_counts()
        empty[5] = [0] * 12
        cells = ("--orientation", "cells-are-rows")
        for name, rows, word, good in (
            ("an empty cell", empty, "--drop-empty-cells", True),
            ("negative", [[value - 3 for value in row] for row in small_counts()], "negative", False),
            ("fractions", [[value * 1.37 for value in row] for row in small_counts()], "--allow-non-integer", False),
            ("all zero", [[0] * 5] * 6, "all values are 0", False),
            ("too large", [[2**25, 1]] * 5, "2^24", False),
        ):
            with self.subTest(name):
                found = self.inspect(self.write_counts(counts=rows), *cells)
                self.assertTrue(any(word in text for text in found["problems"]), found["problems"])
                self.assertEqual(found["can_be_denoised"], good)
                # It agrees with what denoise does.
                done = self.run_program(
                    "denoise", "counts.csv", *cells, "-o", "x.csv", "--outputs", "log2", "--epochs", 1,
                    "--n-top-genes", 0, "--drop-empty-cells")  # fmt: skip
                self.assertEqual(done.returncode == SUCCESS, good, done.err)

    @needs_h5py
    def test_h5ad(self):
        log = log_transformed(small_counts())
        path = self.write_h5ad(x=log, layers={"umi": small_counts()}, raw=small_counts())
        found = self.inspect(path)
        self.assertEqual(found["matrix"], "X")
        self.assertIn("log-transformed", found["transformation"])
        self.assertEqual(
            [(m["name"], m["option"], m["values"]) for m in found["matrices"]],
            [("raw/X", "--layer raw", "counts"), ("X", "no --layer", "not whole numbers"),
             ("layers/umi", "--layer umi", "counts")])  # fmt: skip
        self.assertTrue(any("--layer raw" in text for text in found["problems"]), found["problems"])
        self.assertFalse(found["can_be_denoised"])
        self.assertTrue(self.inspect(path, "--layer", "umi")["can_be_denoised"])
        bad = numpy.array(small_counts(), dtype="float32")
        bad[2, 3] = numpy.nan
        found = self.inspect(self.write_h5ad(x=bad))
        self.assertIn("NaN", found["problems"][0])

    def test_guesses(self):
        genes = ["MT-ND1", "MT-CO1", "ACTB", "GAPDH", "ERCC-00002"] + [f"GENE{k}" for k in range(20)]
        ones = [[1 + (cell + gene) % 7 // 6 for gene in range(25)] for cell in range(30)]
        for rows, technology in ((ones, "UMI"), ([[v * 100 for v in row] for row in ones], "reads")):
            lines = ["cell," + ",".join(genes)]
            lines += [f"AAACCTGAGAAACC{k:02d}".replace("0", "A") + f"-{k}," + ",".join(map(str, row))
                      for k, row in enumerate(rows)]  # fmt: skip
            found = self.inspect(self.write("a.csv", "\n".join(lines) + "\n"))
            self.assertIn(technology, found["technology"])
            self.assertEqual(found["species"], "human")
            self.assertEqual((found["n_mitochondrial_genes"], found["n_spike_ins"]), (2, 1))


if __name__ == "__main__":
    unittest.main()
