"""Options and outputs that are refused before any work is done."""

import os
import unittest

from program import DATA, USAGE, Case


class BadOptions(Case):
    def setUp(self):
        super().setUp()
        self.input = self.write_matrix_market()

    def refuse(self, code, words, *arguments, output="out.h5ad"):
        done = self.run_program("denoise", self.input, "-o", self.out / output, *arguments)
        self.assert_refused(done, code, words)
        # No work was done before: nothing was read.
        self.assertNotIn("read ", done.err)
        return done

    def test_no_arguments(self):
        for arguments in ((), ("nosuch",), ("denoise",), ("denoise", "--nosuch"), ("simulate",),
                          ("simulate", "nosuch", "-o", "x"), ("simulate", "equal"), ("hvg",),
                          ("evaluate",)):  # fmt: skip
            done = self.run_program(*arguments, code=USAGE)
            self.assertTrue(done.err, arguments)
            self.assertEqual(done.out, "", arguments)

    def test_output_is_required(self):
        done = self.run_program("denoise", self.input, code=USAGE)
        self.assertIn("--output", done.err)
        self.assertIn("--dry-run", done.err)

    def test_spread_needs_an_ensemble_or_a_posterior(self):
        for kind in ("sd", "q05", "log2,q95"):
            self.refuse(USAGE, ["--ensemble", "calibrated"], "--outputs", kind)

    def test_one_file_holds_one_network(self):
        self.refuse(USAGE, ["--save-model", "--ensemble"], "--ensemble", 2, "--save-model",
                    self.out / "model.safetensors")  # fmt: skip

    def test_numbers_out_of_range(self):
        too_far = {
            "--alpha": ("2", "-0.1"),
            "--epochs": ("-1", "1e100", "99999999999", "two"),
            "--ensemble": ("0", "-1", "1001", "1.5"),
            "--batch-size": ("0", "-5", "65537"),
            "--lr": ("0", "-0.1", "inf"),
            "--hidden": ("0", "4097"),
            "--latent": ("0", "-1"),
            "--mask-nonzero": ("1.5", "-0.5"),
            "--mask-zero": ("1.5", "-0.5"),
            "--noise": ("-1", "inf"),
            "--weight-zero": ("-1", "inf"),
            "--weight-nonzero": ("-1", "inf"),
            "--gamma": ("-1", "inf"),
            "--beta1": ("1", "-0.1"),
            "--beta2": ("1", "-0.1"),
            "--adam-epsilon": ("0", "-1"),
            "--low-quantile": ("-0.1", "1.1"),
            "--high-quantile": ("1.1", "-0.1"),
            "--min-cells": ("-1", "x"),
            "--n-top-genes": ("-1", "1.5"),
            "--threads": ("-1", "100000", "many"),
            "--seed": ("-1", "1.5", "18446744073709551616", "x"),
        }
        for option, values in too_far.items():
            for value in (*values, "nan", ""):
                with self.subTest(option, value=value):
                    self.refuse(USAGE, [option], f"{option}={value}")

    def test_low_quantile_above_the_high_one(self):
        self.refuse(USAGE, ["-quantile"], "--low-quantile", "0.9", "--high-quantile", "0.1")

    def test_words_that_are_no_choice(self):
        for option in ("--variant", "--biozero", "--observed", "--device", "--log", "--outputs",
                       "--orientation"):  # fmt: skip
            self.refuse(USAGE, [option], option, "nosuch")

    def test_restored_libraries_need_the_calibrated_variant(self):
        self.refuse(USAGE, ["--observed posterior", "--variant calibrated"], "--observed", "posterior")

    def test_output_names(self):
        self.refuse(USAGE, ["out.txt", ".h5ad"], output="out.txt")
        self.refuse(USAGE, ["latent"], "--outputs", "latent", output="out.mtx")
        missing = self.out / "missing"
        self.refuse(DATA, ["missing", "does not exist"], output="missing/out.h5ad")
        self.assertFalse(missing.exists())
        done = self.run_program("denoise", self.input, "-o", "/proc/out.h5ad")
        self.assert_refused(done, DATA, ["/proc", "cannot write"])
        self.refuse(DATA, ["missing"], "--save-model", missing / "model.safetensors")

    def test_a_folder_that_may_not_be_written_to(self):
        if os.geteuid() == 0:
            self.skipTest("root may write anywhere")
        self.out.chmod(0o500)
        self.refuse(DATA, ["cannot write"])

    def test_an_output_that_is_something_else(self):
        (self.out / "out.h5ad").mkdir()
        done = self.run_program("denoise", self.input, "-o", self.out / "out.h5ad")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("a folder", done.err)
        self.write("out/folder/precious.txt", "keep me\n")
        done = self.run_program("denoise", self.input, "-o", self.out / "folder")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("precious.txt", done.err)
        self.assertEqual(self.files(), ["folder", "out.h5ad"])
        self.assertEqual(self.files(self.out / "folder"), ["precious.txt"])

    def test_output_is_input(self):
        counts = self.input.read_bytes()
        link = self.folder / "link.mtx"
        link.symlink_to(self.input)
        hard_link = self.folder / "hard_link.mtx"
        os.link(self.input, hard_link)
        nested = f"{self.folder}/out/../counts.mtx"
        for output in (self.input, "counts.mtx", link, hard_link, nested):
            done = self.run_program("denoise", self.input, "-o", output, "--outputs", "log2")
            self.assert_refused(done, USAGE, ["same"])
            self.assertEqual(self.input.read_bytes(), counts)
        done = self.run_program("denoise", link, "-o", self.input, "--outputs", "log2")
        self.assert_refused(done, USAGE, ["same"])

    def test_output_replaces_a_file_of_the_input(self):
        """Several outputs, or an input of several files: names that the user did not type."""
        table = self.write_counts("a.counts.csv")
        self.write("tenx/barcodes.tsv", "".join(f"c{k}\n" for k in range(40)))
        self.write("tenx/features.tsv", "".join(f"g{k}\n" for k in range(12)))
        matrix = self.write_matrix_market("tenx/matrix.mtx")
        genes = self.write("genes.csv", "gene1\n")
        before = {path: path.read_bytes() for path in (table, matrix, genes)}
        for arguments in (
            (table, "-o", "a.csv"),
            ("tenx", "-o", matrix, "--outputs", "log2"),
            ("tenx", "-o", "tenx"),
            (self.input, "-o", "genes.csv", "--outputs", "log2", "--genes-file", "genes.csv"),
            (self.input, "-o", "x.h5ad", "--save-model", self.input),
            (self.input, "-o", "x.h5ad", "--save-model", "./x.h5ad"),
        ):
            done = self.run_program("denoise", *arguments)
            self.assert_refused(done, USAGE, ["same" if "tenx" not in arguments else ""])
            self.assertEqual({path: path.read_bytes() for path in before}, before, arguments)
        self.assertFalse((self.folder / "x.h5ad").exists())

    def test_simulate(self):
        for arguments in (
            ("--cells", "0"), ("--cells", "-1"), ("--cells", "1e99"), ("--genes", "0"),
            ("--seed", "-1"), ("--de-probability", "2"), ("--de-probability", "nan"),
            ("--bcv-common", "-1"), ("--mean-shape", "0"), ("--group-proportions", "0,0"),
            ("--group-proportions", "nan,1"), ("--dropout-shape", "1,2,3,4,5,6"),
            ("--library-scale", "-1"), ("--dropout-type", "nosuch"), ("--format", "nosuch"),
        ):  # fmt: skip
            with self.subTest(arguments):
                done = self.run_program("simulate", "equal", "-o", self.out / "sim", *arguments)
                self.assert_refused(done, USAGE, [""])
                self.assertTrue(done.err.strip())

    def test_simulate_replaces_nothing_unasked(self):
        self.write("out/sim/notes.txt", "keep me\n")
        for arguments in ((), ("--force",)):
            done = self.run_program("simulate", "equal", "-o", self.out / "sim", *arguments)
            self.assertEqual(done.returncode, DATA)
            self.assertEqual(self.files(self.out / "sim"), ["notes.txt"])
        done = self.run_program("simulate", "equal", "-o", self.out / "missing" / "sim")
        self.assertEqual(done.returncode, DATA)
        self.assertIn("missing", done.err)
        self.assertEqual(self.files(), ["sim"])


if __name__ == "__main__":
    unittest.main()
