"""What the program says: help, version, dry run, --quiet, --log json."""

import json
import unittest

from program import DATA, SUCCESS, Case

COMMANDS = ("denoise", "simulate", "evaluate", "hvg", "inspect", "info")


class Messages(Case):
    def test_help(self):
        text = self.run_program("--help", code=SUCCESS).out
        for command in COMMANDS:
            self.assertIn(command, text)
        for command in COMMANDS:
            done = self.run_program(command, "--help", code=SUCCESS)
            self.assertEqual(done.err, "")
            if command != "info":
                self.assertIn(f"  maskclass {command} ", done.out)  # an example
                self.assertIn("--threads INT", done.out)

    def test_help_tells_the_defaults_of_the_paper(self):
        text = self.run_program("denoise", "--help", code=SUCCESS).out
        options = {}
        for line in text.splitlines():
            words = line.split()
            if words and words[0].startswith("-"):
                options[words[0].split(",")[-1]] = line
        for option, value in {
            "--n-top-genes": "=1000", "--min-cells": "=3", "--epochs": "=300",
            "--batch-size": "=32", "--lr": "=0.0001", "--hidden": "=64", "--latent": "=32",
            "--mask-nonzero": "=0.3", "--mask-zero": "=0.01", "--noise": "=0.2", "--alpha": "=0.3",
            "--weight-zero": "=2", "--weight-nonzero": "=1", "--variant": "=balanced",
            "--biozero": "=moments", "--observed": "=keep", "--device": "=auto", "--seed": "=0",
        }.items():  # fmt: skip
            self.assertIn(f"{value} ", options[option] + " ")

    def test_version(self):
        version = self.run_program("--version", code=SUCCESS).out.strip()
        self.assertRegex(version, r"^maskclass \d+\.\d+\.\d+$")
        self.assertIn(version, self.run_program("info", code=SUCCESS).out)

    def test_dry_run(self):
        counts = self.simulate() / "counts.h5ad"
        done = self.run_program(
            "denoise", counts, "-o", self.out / "out.h5ad", "--dry-run", "--epochs", 20,
            "--save-model", self.out / "model.safetensors", code=SUCCESS)  # fmt: skip
        self.assertEqual(self.files(), [])
        lines = dict(line.split(None, 1) for line in done.out.splitlines())
        self.assertEqual(list(lines), ["input", "output", "memory", "disk", "time"])
        self.assertIn("80 cells x 60 genes", lines["input"])
        self.assertIn("80 cells x ", lines["output"])
        self.assertIn("MB", lines["memory"])
        self.assertIn("MB", lines["disk"])
        self.assertRegex(lines["time"], r"\d s")
        # It needs no output's name, and finds what the job would stumble over.
        self.run_program("denoise", counts, "--dry-run", "--epochs", 1, code=SUCCESS)
        self.run_program("denoise", "none.h5ad", "--dry-run", code=DATA)
        self.run_program("denoise", counts, "--dry-run", "-o", "none/out.h5ad", code=DATA)

    def test_quiet(self):
        folder = self.simulate("sim1")  # --quiet, too
        for command in (
            ("denoise", folder / "counts.h5ad", "-o", "out.h5ad", "--epochs", 2),
            ("simulate", "equal", "-o", "sim2", "--cells", 50, "--genes", 40),
            ("hvg", folder / "counts.h5ad", "-o", "hvg.tsv"),
        ):
            done = self.run_program(*command, "--quiet", code=SUCCESS)
            self.assertEqual(done.out + done.err, "", command)
        done = self.run_program("evaluate", "out.h5ad", "--truth", folder, "--quiet", code=SUCCESS)
        self.assertEqual(done.err, "")
        self.assertIn("MSE", done.out)
        done = self.run_program("denoise", "none.h5ad", "-o", "x.h5ad", "--quiet", code=DATA)
        self.assertIn("none.h5ad", done.err)

    def test_json_log(self):
        folder = self.simulate()
        for command in (
            ("denoise", folder / "counts.h5ad", "-o", "out.h5ad", "--epochs", 5),
            ("simulate", "equal", "-o", "sim2", "--cells", 50, "--genes", 40),
            ("evaluate", "out.h5ad", "--truth", folder),
            ("hvg", folder / "counts.h5ad"),
        ):
            done = self.run_program(*command, "--log", "json", code=SUCCESS)
            events = [json.loads(line) for line in done.err.splitlines()]
            self.assertTrue(events, command)
            for event in events:
                self.assertIsInstance(event, dict)
                self.assertTrue("stage" in event or "note" in event, event)
            if command[0] == "denoise":
                train = [event for event in events if event.get("stage") == "train"]
                self.assertEqual(train[-1]["done"], train[-1]["total"])
                self.assertGreater(train[-1]["loss"], 0)

    def test_plain_lines(self):
        """Every stage ends in a line that says it is done; no loss or count of a half-way point."""
        folder = self.simulate()
        err = self.run_program(
            "denoise", folder / "counts.h5ad", "-o", "out.h5ad", "--epochs", 4, code=SUCCESS).err  # fmt: skip
        self.assertIn("epoch 4/4", err)
        self.assertIn("loss ", err)
        self.assertTrue(err.endswith("wrote out.h5ad\n"), err)
        for line in err.splitlines():
            self.assertNotRegex(line, r"\b0/\d", line)

    def test_names_of_files_are_told_as_they_are(self):
        for name in ("with space.csv", "größe 細胞.csv", "-dash.csv", "a'b\"c.csv", "{}%s.csv"):
            self.write_counts(name)
            for output in (f"of {name}", f"of {name}.h5ad".replace(".csv", "")):
                done = self.denoise("-o", output, "--outputs", "log2", "--n-top-genes", 0,
                                    "--orientation", "cells-are-rows", f"./{name}")  # fmt: skip
                self.assertIn(f"wrote {output}\n", done.err)
                self.assertTrue((self.folder / output).exists())
        done = self.run_program("denoise", "no {} %s.csv", "-o", "x.h5ad", code=DATA)
        self.assertIn("no {} %s.csv", done.err)

    def test_an_output_is_replaced(self):
        counts = self.write_matrix_market()
        for name in ("out.h5ad", "out.csv", "folder", "folder/"):
            with self.subTest(name):
                arguments = (counts, "-o", self.out / name, "--outputs", "log2")
                self.denoise(*arguments)
                first = self.files()
                self.denoise(*arguments, "--seed", 5)
                self.assertEqual(self.files(), first)


if __name__ == "__main__":
    unittest.main()
