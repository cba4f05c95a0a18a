"""Several inputs in one run, batches, and duplicate names."""

import unittest

from program import SUCCESS, Case, h5py, needs_h5py, read_table, small_counts

CELLS = ("--orientation", "cells-are-rows")
PLAIN = ("--n-top-genes", 0, "--min-cells", 0, "--epochs", 0, "--outputs", "counts")


class SeveralInputs(Case):
    def table(self, name, cells, genes, value):
        lines = ["cell," + ",".join(genes)]
        lines += [f"{cell}," + ",".join(str(value(cell, gene)) for gene in genes) for cell in cells]
        return self.write(name, "\n".join(lines) + "\n")

    @staticmethod
    def value(cell, gene):
        return 1 + (len(cell) * 7 + sum(map(ord, cell + gene))) % 5

    def test_shared_genes(self):
        a = self.table("a.csv", ["a1", "a2", "a3"], ["g1", "g2", "g3", "g4"], self.value)
        b = self.table("b.csv", ["b1", "b2"], ["g4", "x", "g2", "g1"], self.value)
        done = self.run_program("denoise", a, b, *CELLS, *PLAIN, "-o", "o.csv", code=SUCCESS)
        self.assertIn("2 inputs with 4, 4 genes: took the 3 that all of them have", done.err)
        rows, columns, values = read_table(self.folder / "o.csv")
        self.assertEqual(rows, ["a1", "a2", "a3", "b1", "b2"])
        self.assertEqual(columns, ["g1", "g2", "g4"])
        self.assertEqual(values, [[self.value(cell, gene) for gene in columns] for cell in rows])

    def test_cells_of_one_name(self):
        a = self.table("a.csv", ["c1", "c2"], ["g1", "g2"], self.value)
        done = self.run_program("denoise", a, a, *CELLS, *PLAIN, "-o", "o.csv", code=SUCCESS)
        self.assertIn("number of the input was added", done.err)
        self.assertEqual(read_table(self.folder / "o.csv")[0], ["c1-1", "c2-1", "c1-2", "c2-2"])

    def test_repeated_genes(self):
        """Left out where lists differ, since it is unknown which is which; kept where they do not."""
        a = self.table("a.csv", ["a1", "a2"], ["g1", "g1", "g2", "g3"], self.value)
        b = self.table("b.csv", ["b1", "b2"], ["g2", "g1", "g3"], self.value)
        self.run_program("denoise", a, b, *CELLS, *PLAIN, "-o", "o.csv", code=SUCCESS)
        self.assertEqual(read_table(self.folder / "o.csv")[1], ["g2", "g3"])
        c = self.table("c.csv", ["b1", "b2"], ["g1", "g1", "g2", "g3"], self.value)
        self.run_program("denoise", a, c, *CELLS, *PLAIN, "-o", "o.csv", code=SUCCESS)
        self.assertEqual(read_table(self.folder / "o.csv")[1], ["g1", "g1", "g2", "g3"])

    def test_ids_or_symbols(self):
        """A 10x directory names genes by id and symbol, a table by symbol."""
        for k, name in enumerate(("matrix.mtx", "barcodes.tsv", "features.tsv")):
            text = (None, "x1\nx2\n", "ENSG1\tg1\tGene Expression\nENSG2\tg2\tGene Expression\n")[k]
            if text:
                self.write(f"tenx/{name}", text)
        self.write_matrix_market("tenx/matrix.mtx", [[1, 2], [3, 4]])
        a = self.table("a.csv", ["a1", "a2"], ["g2", "g1"], self.value)
        done = self.run_program("denoise", a, "tenx", *PLAIN, "-o", "o.csv", code=SUCCESS)
        self.assertIn("by symbol", done.err)
        rows, columns, values = read_table(self.folder / "o.csv")
        self.assertEqual(columns, ["g2", "g1"])
        self.assertEqual(values[2:], [[2, 1], [4, 3]])

    @needs_h5py
    def test_the_output_says_which(self):
        a = self.table("a.csv", ["a1", "a2", "a3"], ["g1", "g2"], self.value)
        b = self.table("b.csv", ["b1", "b2"], ["g1", "g2"], self.value)
        self.run_program("denoise", a, b, *CELLS, *PLAIN[:-2], "-o", "o.h5ad", "--batch-key", "input", code=SUCCESS)
        with h5py.File(self.folder / "o.h5ad") as file:
            inputs = [text.decode() for text in file["obs/maskclass_input"]]
            self.assertEqual(inputs, ["a.csv"] * 3 + ["b.csv"] * 2)
            self.assertEqual(file["uns/maskclass/input"][()].decode(), "a.csv, b.csv")
            self.assertEqual(file["uns/maskclass/batch_key"][()].decode(), "input")


class Batches(Case):
    """A gene that only the batch changes is not variable within any."""

    def setUp(self):
        super().setUp()
        self.counts = small_counts(60, 30)
        for cell, row in enumerate(self.counts):
            row[3] = 200 if cell < 30 else 2  # between batches only
        self.genes = [f"g{k + 1}" for k in range(30)]
        self.labels = [("a", "b")[cell >= 30] for cell in range(60)]

    def ranks(self, *arguments):
        self.run_program("hvg", *arguments, "-o", "h.tsv", code=SUCCESS)
        lines = [line.split("\t") for line in (self.folder / "h.tsv").read_text().splitlines()[1:]]
        return {line[0]: int(line[-1]) if line[-1] else None for line in lines}, {
            line[0]: [float(x) for x in line[1:5]] for line in lines}  # fmt: skip

    def test_hvg(self):
        path = self.write_counts(counts=self.counts)
        cells = self.write("cells.tsv", "cell\tdonor\n" + "".join(
            f"c{k + 1}\t{label}\n" for k, label in enumerate(self.labels)))  # fmt: skip
        ranks, _ = self.ranks(path, *CELLS)
        self.assertIsNotNone(ranks["g4"])
        ranks, both = self.ranks(path, *CELLS, "--batch-key", "donor", "--cells", cells)
        self.assertIsNone(ranks["g4"])
        # The mean of what each batch has for itself.
        halves = []
        for name, rows in (("a.csv", self.counts[:30]), ("b.csv", self.counts[30:])):
            halves.append(self.ranks(self.write_counts(name, rows), *CELLS, "--min-cells", 0)[1])
        for gene in self.genes:
            for mean, one, other in zip(both[gene], *(half[gene] for half in halves)):
                self.assertAlmostEqual(mean, (one + other) / 2, delta=1e-8 * max(1, abs(mean)))

    def test_one_batch_is_no_batch(self):
        path = self.write_counts(counts=self.counts)
        cells = self.write("cells.tsv", "cell\tdonor\n" + "".join(f"c{k + 1}\tx\n" for k in range(60)))
        self.assertEqual(self.ranks(path, *CELLS), self.ranks(path, *CELLS, "--batch-key", "donor", "--cells", cells))

    def test_in_a_10x_directory(self):
        self.write_matrix_market("tenx/matrix.mtx", self.counts)
        self.write("tenx/barcodes.tsv", "".join(f"c{k + 1}\n" for k in range(60)))
        self.write("tenx/features.tsv", "".join(f"{gene}\n" for gene in self.genes))
        self.write("tenx/cells.tsv", "cell\tdonor\tage\n" + "".join(
            f"c{k + 1}\t{label}\t1\n" for k, label in enumerate(self.labels)))  # fmt: skip
        self.assertIsNone(self.ranks("tenx", "--batch-key", "donor")[0]["g4"])

    @needs_h5py
    def test_of_obs(self):
        path = self.write_h5ad(x=self.counts)
        with h5py.File(path, "a") as file:
            file["obs"].create_dataset("donor", data=self.labels, dtype=h5py.string_dtype())
            file["obs"].attrs["column-order"] = ["donor"]
        self.assertIsNone(self.ranks(path, "--batch-key", "donor")[0]["g4"])
        done = self.run_program("denoise", path, "--batch-key", "donor", "-o", "o.h5ad", "--epochs", 0, code=SUCCESS)
        self.assertIn("2 batches by 'donor': 'a', 'b'", done.err)
        self.assertRegex(done.err, r"dropout by batch, .*'a' a = -?[0-9.]+, b = [0-9.]+; 'b' a = ")
        with h5py.File(self.folder / "o.h5ad") as file:
            self.assertNotIn(b"g4", list(file["var/_index"]))


if __name__ == "__main__":
    unittest.main()
