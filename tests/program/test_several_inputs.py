"""Several inputs in one run, batches, and duplicate names."""

import unittest

from program import SUCCESS, Case, anndata, h5py, needs_anndata, needs_h5py, numpy, read_table, small_counts

try:
    import elements
except ImportError:  # without numpy and h5py
    elements = None

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


@needs_h5py
class JoinedObs(Case):
    """obs of several .h5ad below each other, as anndata.concat(join="outer") has it."""

    N = 40  # cells in each

    def add(self, path, columns):
        """Columns of obs in the encoding of anndata 0.8: lists, or (categories, codes, ordered)."""
        with h5py.File(path, "a") as file:
            for name, values in columns.items():
                if isinstance(values, tuple):
                    categories, codes, ordered = values
                    group = file["obs"].create_group(name)
                    group.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0"})
                    group.attrs["ordered"] = ordered
                    group["codes"] = numpy.array(codes, dtype="i1")
                    group["codes"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
                    group.create_dataset("categories", data=categories, dtype=h5py.string_dtype())
                    text = group["categories"]
                elif isinstance(values[0], str):
                    text = file["obs"].create_dataset(name, data=values, dtype=h5py.string_dtype())
                else:
                    file["obs"][name] = numpy.array(values)
                    file["obs"][name].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
                    continue
                text.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
            file["obs"].attrs["column-order"] = list(columns)
            for group in ("obs", "var"):
                file[group]["_index"].attrs.update(
                    {"encoding-type": "string-array", "encoding-version": "0.2.0"})  # fmt: skip
            file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            file["obsm/X_pca"] = numpy.zeros((self.N, 2))
        return path

    def inputs(self):
        each = range(self.N)
        a = self.add(self.write_h5ad("a.h5ad"), {
            "age": list(each),
            "score": [k / 4 for k in each],
            "good": [k % 3 == 0 for k in each],
            "good_a": [k % 2 == 0 for k in each],
            "depth_a": [7 * k for k in each],
            "type": (["T", "B"], [k % 3 - 1 for k in each], False),
            "stage": (["early", "late"], [k % 2 for k in each], True),
            "order": (["early", "late"], [k % 2 for k in each], True),
            "note": [f"a{k % 2}" for k in each],
            "run": [k % 2 for k in each],
        })  # fmt: skip
        b = self.add(self.write_h5ad("b.h5ad"), {
            "age": [100 + k for k in each],
            "type": ["NK" if k % 2 else "B" for k in each],
            "good": [k % 5 == 0 for k in each],
            "score": [int(k) for k in each],
            "stage": (["early", "late"], [1 - k % 2 for k in each], True),
            "order": (["late", "early"], [k % 2 for k in each], True),
            "note": [f"b{k % 3}" for k in each],
            "run": [f"r{k % 2}" for k in each],
            "site_b": [f"s{k % 2}" for k in each],
        })  # fmt: skip
        return a, b

    def join(self, *inputs):
        done = self.run_program(
            "denoise", *inputs, *PLAIN, "--drop-empty-cells", "-o", "o.h5ad", code=SUCCESS)  # fmt: skip
        with h5py.File(self.folder / "o.h5ad") as file:
            obs = elements.table(file["obs"])
        ours = ("_index", "maskclass_library_size", "maskclass_input")
        return {name: column for name, column in obs.items() if name not in ours}, done

    def test_columns(self):
        a, b = self.inputs()
        each = range(self.N)
        obs, done = self.join(a, b)
        missing = [None] * self.N
        self.assertEqual(obs.pop("age"), ("int64", [*each, *(100 + k for k in each)]))
        self.assertEqual(obs.pop("score"), ("float64", [*(k / 4 for k in each), *each]))
        self.assertEqual(obs.pop("good"), ("bool", [k % 3 == 0 for k in each] + [k % 5 == 0 for k in each]))
        self.assertEqual(obs.pop("good_a"), ("nullable-boolean", [k % 2 == 0 for k in each] + missing))
        kind, depth = obs.pop("depth_a")
        self.assertEqual((kind, depth[: self.N]), ("float64", [7 * k for k in each]))
        self.assertTrue(numpy.isnan(depth[self.N :]).all())
        self.assertEqual(obs.pop("type"), ("categorical ['T', 'B', 'NK'] False", [
            *((None, "T", "B")[k % 3] for k in each), *(("B", "NK")[k % 2] for k in each)]))  # fmt: skip
        stages = [("early", "late")[k % 2] for k in each]
        other = [("late", "early")[k % 2] for k in each]
        self.assertEqual(obs.pop("stage"), ("categorical ['early', 'late'] True", stages + other))
        self.assertEqual(obs.pop("order"), ("categorical ['early', 'late'] False", stages + other))
        self.assertEqual(obs.pop("note"), ("text", [f"a{k % 2}" for k in each] + [f"b{k % 3}" for k in each]))
        self.assertEqual(obs.pop("run"), ("text", [str(k % 2) for k in each] + [f"r{k % 2}" for k in each]))
        self.assertEqual(obs.pop("site_b"), (
            "categorical ['s0', 's1'] False", missing + [f"s{k % 2}" for k in each]))  # fmt: skip
        self.assertEqual(obs, {})
        for path in (a, b):
            self.assertIn(f"not carried over from the input: {path}: obsm/X_pca\n", done.err)

    def test_inputs_without_columns_and_dropped_cells(self):
        counts = small_counts()
        counts[3] = [0] * len(counts[3])
        table = self.write_counts("t.csv", counts)
        a, b = self.inputs()
        obs, _ = self.join(table, a, table, b)
        values = obs["age"][1]
        self.assertEqual(len(values), 4 * self.N - 2)
        self.assertTrue(numpy.isnan(values[: self.N - 1]).all())
        self.assertEqual(values[self.N - 1 : 2 * self.N - 1], list(range(self.N)))
        self.assertEqual(obs["note"][1][: self.N - 1], [None] * (self.N - 1))
        self.assertEqual(obs["note"][1][-self.N :], [f"b{k % 3}" for k in range(self.N)])

    def test_a_column_that_cannot_be_joined(self):
        a, b = self.inputs()
        with h5py.File(b, "a") as file:
            del file["obs/age"], file["obs/note"]
            file["obs/age"] = numpy.arange(self.N - 1)
            file["obs/note"] = numpy.zeros(self.N, dtype=[("x", "f4")])
        obs, done = self.join(a, b)
        self.assertNotIn("age", obs)
        self.assertNotIn("note", obs)
        self.assertIn("run", obs)
        for name in ("obs/age", "obs/note"):
            self.assertIn(f"not carried over from the input: {name}\n", done.err)

    @needs_anndata
    def test_as_anndata_concatenates(self):
        paths = self.inputs()
        self.join(*paths)
        ours = anndata.read_h5ad(self.folder / "o.h5ad").obs
        theirs = anndata.concat([anndata.read_h5ad(path) for path in paths], join="outer").obs
        self.assertEqual(set(theirs) - set(ours), set())
        for name in theirs:
            one, other = self.values(ours[name]), self.values(theirs[name])
            if name == "run":  # a mixture of numbers and text, which anndata cannot write
                other = list(map(str, other))
            self.assertEqual(one, other, name)

    @staticmethod
    def values(column):
        return [None if value is None or value != value else value for value in column.astype(object).where(
            column.notna(), None)]  # fmt: skip


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
