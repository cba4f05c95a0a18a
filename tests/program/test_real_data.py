"""Real data sets, which lie beside the checkout (or where MASKCLASS_SHARED says)."""

import unittest

from program import DATA, SHARED, SUCCESS, Case


class RealData(Case):
    def data(self, name):
        folder = SHARED / "data" / name
        if not folder.is_dir():
            self.skipTest(f"the data set {name} is not here")
        return folder

    def test_denoise_and_evaluate(self):
        folder = self.data("zheng500_10x")
        self.denoise(folder, "-o", "out.h5ad")
        done = self.run_program(
            "evaluate", "out.h5ad", "--labels", folder / "labels.tsv.gz", code=SUCCESS)  # fmt: skip
        for word in ("500 cells", "ARI", "NMI", "purity", "ASW"):
            self.assertIn(word, done.out)
        self.assertNotIn("nan", done.out)

    def test_fpkm_is_refused_unless_allowed(self):
        folder = self.data("li_gm12878_h1")
        done = self.run_program("denoise", folder, "-o", self.out / "out.h5ad")
        self.assert_refused(done, DATA, ["not a whole number", "FPKM", "--allow-non-integer"])
        self.denoise(folder, "-o", "out.h5ad", "--allow-non-integer")


if __name__ == "__main__":
    unittest.main()
