"""The same bytes for any number of threads and in every run; others for another seed."""

import unittest

from program import Case

RUNS = (("--threads", 1), ("--threads", 2), ("--threads", 4), ("--threads", 1))


class Determinism(Case):
    def contents(self, folder):
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def assert_same_files(self, make):
        """`make(folder, arguments)` fills an empty folder."""
        first = None
        for number, arguments in enumerate((*RUNS, ("--seed", 7))):
            folder = self.folder / f"run{number}"
            folder.mkdir()
            make(folder, arguments)
            contents = self.contents(folder)
            first = first or contents
            self.assertEqual(list(contents), list(first))
            for name, data in contents.items():
                same = data == first[name]
                if arguments[0] == "--threads":
                    self.assertTrue(same, f"{name} with {arguments}")
            if arguments[0] == "--seed":
                self.assertNotEqual(contents, first)

    def test_denoise(self):
        counts = self.simulate(cells=150, genes=90) / "counts.h5ad"

        def make(folder, arguments):
            self.denoise(
                counts, "-o", folder / "out.h5ad", "--save-model", folder / "out.safetensors",
                "--outputs", "log2,counts,latent,biozero", *arguments)  # fmt: skip

        self.assert_same_files(make)

    def test_every_format(self):
        counts = self.simulate(cells=70, genes=40) / "counts.h5ad"

        def make(folder, arguments):
            for name in ("out.npy", "out.csv.gz", "out.tsv", "out.mtx.gz", "folder"):
                self.denoise(counts, "-o", folder / name, "--n-top-genes", 0, *arguments)

        self.assert_same_files(make)

    def test_simulate(self):
        def make(folder, arguments):
            for file_format in ("h5ad", "mtx"):
                self.run_program(
                    "simulate", "batch", "-o", folder / file_format, "--cells", 333,
                    "--genes", 70, "--format", file_format, *arguments, code=0)  # fmt: skip

        self.assert_same_files(make)

    def test_hvg_and_evaluate(self):
        folder = self.simulate()
        self.denoise(folder / "counts.h5ad", "-o", "out.h5ad")
        for command in (
            ("hvg", folder / "counts.h5ad"),
            ("evaluate", "out.h5ad", "--truth", folder, "--json"),
        ):
            outputs = {self.run_program(*command, *run, code=0).out for run in RUNS}
            self.assertEqual(len(outputs), 1, command)


if __name__ == "__main__":
    unittest.main()
