"""Surroundings that are not as they should be: full disks, closed streams, huge numbers."""

import os
import resource
import signal
import unittest

from program import DATA, SUCCESS, USAGE, Case, read_table


def limit_file_size(n_bytes):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


class Environment(Case):
    def test_a_disk_that_is_full(self):
        """Files that may not grow stand for a full disk: the write fails in the same place."""
        counts = self.simulate(cells=200, genes=150) / "counts.h5ad"
        for name in ("out.h5ad", "out.npy", "out.csv", "out.csv.gz", "out.mtx.gz", "folder"):
            for limit in (0, 100, 5000, 40000):
                with self.subTest(name, limit=limit):
                    done = self.run_program(
                        "denoise", counts, "-o", self.out / name, "--epochs", 1, "--n-top-genes", 0,
                        preexec_fn=limit_file_size(limit))  # fmt: skip
                    self.assert_refused(done, DATA, ["maskclass: ", name.split(".")[0]])

    def test_a_disk_that_is_full_for_other_outputs(self):
        folder = self.simulate(cells=200, genes=150)
        for command in (
            ("simulate", "equal", "-o", self.out / "sim", "--cells", 200, "--genes", 100),
            ("simulate", "equal", "-o", self.out / "sim", "--format", "mtx", "--cells", 200),
            ("hvg", folder / "counts.h5ad", "-o", self.out / "hvg.tsv"),
        ):
            done = self.run_program(*command, preexec_fn=limit_file_size(3000))
            self.assert_refused(done, DATA, ["maskclass: "])
        done = self.run_program(
            "denoise", folder / "counts.h5ad", "-o", "out.npy", "--outputs", "latent", "--epochs",
            1, "--save-model", self.out / "m.safetensors", preexec_fn=limit_file_size(30000))  # fmt: skip
        self.assert_refused(done, DATA, ["m.safetensors"])

    def test_standard_output_that_cannot_be_written_to(self):
        folder = self.simulate()
        self.denoise(folder / "counts.h5ad", "-o", "out.h5ad")
        for command in (
            ("info",),
            ("--help",),
            ("denoise", "--help"),
            ("hvg", folder / "counts.h5ad"),
            ("evaluate", "out.h5ad", "--truth", folder),
            ("denoise", folder / "counts.h5ad", "--dry-run", "--epochs", 1),
        ):
            with self.subTest(command), open("/dev/full", "w") as full:
                done = self.run_program(*command, stdout=full, code=DATA)
                self.assertIn("standard output", done.err)
                self.run_program(*command, preexec_fn=lambda: os.close(1), code=DATA)

    def test_closed_streams_are_no_outputs(self):
        """What is opened next must not take the number of standard output or error."""
        counts = self.write_matrix_market()
        arguments = (counts, "-o", "out.csv", "--outputs", "log2", "--n-top-genes", 0)
        self.denoise(*arguments)
        whole = (self.folder / "out.csv").read_bytes()
        for closed in ((2,), (1, 2), (0, 1, 2)):
            self.denoise(*arguments, preexec_fn=lambda: [os.close(k) for k in closed])
            self.assertEqual((self.folder / "out.csv").read_bytes(), whole)

    def test_an_environment_without_anything(self):
        counts = self.write_matrix_market()
        self.denoise(counts, "-o", "out.h5ad", env={})
        self.denoise(counts, "-o", "out.h5ad", env={"LC_ALL": "no_SUCH", "TMPDIR": "/nosuch"})
        for number in ("0", "-3", "many", "100000"):
            self.denoise(counts, "-o", "out.h5ad", env={"OMP_NUM_THREADS": number})

    def test_an_input_that_is_read_only(self):
        counts = self.simulate() / "counts.h5ad"
        counts.chmod(0o400)
        before = os.stat(counts).st_mtime_ns
        counts.parent.chmod(0o500)
        self.denoise(counts, "-o", "out.h5ad")
        counts.parent.chmod(0o700)
        self.assertEqual(os.stat(counts).st_mtime_ns, before)

    def test_without_memory(self):
        """Not a crash: a message, and nothing left."""
        counts = self.write_matrix_market()
        huge = self.write(
            "huge.mtx", "%%MatrixMarket matrix coordinate integer general\n1000 1000 900000000000\n"
        )
        for path in (counts, huge):
            done = self.run_program(
                "denoise", path, "-o", self.out / "out.h5ad", "--hidden", 4096, "--latent", 4096,
                "--threads", 1, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_AS, (300_000_000, 300_000_000)))  # fmt: skip
            self.assert_refused(done, DATA, ["maskclass: "])

    def test_more_threads_than_there_is_work(self):
        counts = self.write_matrix_market()
        self.denoise(counts, "-o", "one.npy", "--threads", 1)
        self.denoise(counts, "-o", "many.npy", "--threads", 64)
        for kind in ("log2", "latent"):
            one = (self.folder / f"one.{kind}.npy").read_bytes()
            self.assertEqual(one, (self.folder / f"many.{kind}.npy").read_bytes())

    def test_a_training_that_diverges_is_no_result(self):
        counts = self.write_matrix_market()
        for rate in ("1e30", "1e300"):
            done = self.run_program(
                "denoise", counts, "-o", self.out / "out.h5ad", "--lr", rate, "--epochs", 1,
                "--save-model", self.out / "m.safetensors", "--n-top-genes", 0)  # fmt: skip
            self.assertIn(done.returncode, (DATA, USAGE))
            self.assert_refused(done, done.returncode, ["--lr"])

    def test_no_epochs(self):
        counts = self.write_matrix_market()
        self.run_program(
            "denoise", counts, "-o", "out.csv", "--outputs", "log2", "--epochs", 0, code=SUCCESS)  # fmt: skip
        self.assertEqual(len(read_table(self.folder / "out.csv")[0]), 40)


class Evaluate(Case):
    def setUp(self):
        super().setUp()
        self.counts = self.write_counts()
        self.denoise(
            self.counts, "-o", "out.csv", "--outputs", "log2", "--n-top-genes", 0,
            "--orientation", "cells-are-rows")  # fmt: skip
        self.labels = [(f"c{k + 1}", "AB"[k % 2]) for k in range(40)]

    def evaluate(self, *arguments, code, denoised="out.csv"):
        done = self.run_program("evaluate", denoised, *arguments)
        self.assertEqual(done.returncode, code, done.err)
        return done

    def write_labels(self, labels, name="labels.tsv"):
        text = "cell\tlabel\n" + "".join("\t".join(row) + "\n" for row in labels)
        return self.write(name, text)

    def test_labels(self):
        done = self.evaluate("--labels", self.write_labels(self.labels), code=SUCCESS)
        self.assertIn("ARI", done.out)
        shuffled = self.labels[::-1] + [("other", "C")]  # by name, not by place
        again = self.evaluate("--labels", self.write_labels(shuffled), code=SUCCESS)
        self.assertEqual(done.out, again.out)
        for labels, word in (
            (self.labels[:-1], "'c40'"),
            (self.labels[:-1] + [("c40", "")], "c40"),
            (self.labels + [("c1", "B")], "'c1'"),
            ([], "labels.tsv"),
        ):
            done = self.evaluate("--labels", self.write_labels(labels), code=DATA)
            self.assertIn(word, done.err)
        done = self.evaluate("--labels", "missing.tsv", code=DATA)
        self.assertIn("missing.tsv", done.err)
        path = self.write_labels(self.labels)
        done = self.evaluate("--labels", path, "--label-column", "nosuch", code=USAGE)
        self.assertIn("nosuch", done.err)

    def test_one_label_or_as_many_as_cells(self):
        for labels in ("A" * 40, [f"L{k}" for k in range(40)]):
            path = self.write_labels([(f"c{k + 1}", label) for k, label in enumerate(labels)])
            done = self.run_program("evaluate", "out.csv", "--labels", path)
            self.assertIn(done.returncode, (SUCCESS, DATA), done.err)
            self.assertNotIn("nan", done.out.lower())
        self.evaluate(
            "--labels", self.write_labels(self.labels), "--clusters", 100, code=USAGE)  # fmt: skip

    def test_nothing_to_compare_with(self):
        done = self.evaluate(code=USAGE)
        self.assertIn("--truth", done.err)
        self.assertIn("--labels", done.err)

    def test_a_truth_that_does_not_fit(self):
        arguments = ("--counts", self.counts)
        done = self.evaluate("--truth", self.counts, code=USAGE)
        self.assertIn("--counts", done.err)
        done = self.evaluate("--truth", self.counts, *arguments, code=SUCCESS)
        self.assertIn("MSE", done.out)
        fewer = [row[:-1] for row in self.read_counts()]
        done = self.evaluate("--truth", self.write_counts("f.csv", fewer), *arguments, code=DATA)
        self.assertIn("g12", done.err)
        done = self.evaluate(
            "--truth", self.write_counts("f.csv", self.read_counts()[:-1]), *arguments, code=DATA)  # fmt: skip
        self.assertIn("c40", done.err)
        done = self.evaluate("--truth", self.folder, *arguments, code=DATA)
        self.assertIn(str(self.folder), done.err)
        done = self.evaluate("--truth", "missing", *arguments, code=DATA)
        self.assertIn("missing", done.err)

    def test_a_damaged_simulation(self):
        folder = self.simulate()
        self.denoise(folder / "counts.h5ad", "-o", "out.h5ad")
        for name in ("cells.tsv", "genes.tsv", "simulation.json", "counts.h5ad", "truth.h5ad"):
            data = (folder / name).read_bytes()
            for damaged in (data[: len(data) // 2], b"", None):
                with self.subTest(name, damaged=damaged is not None):
                    (folder / name).unlink()
                    if damaged is not None:
                        (folder / name).write_bytes(damaged)
                    done = self.run_program("evaluate", "out.h5ad", "--truth", folder)
                    (folder / name).write_bytes(data)
                    self.assertEqual(done.returncode, DATA, done.err)
                    self.assertIn(name, done.err.splitlines()[-1].replace("counts file", ""))

    def read_counts(self):
        return [[int(v) for v in row] for row in read_table(self.counts)[2]]


if __name__ == "__main__":
    unittest.main()
