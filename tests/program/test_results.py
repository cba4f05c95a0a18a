"""What is written: the same values in every format, names, genes and options."""

import gzip
import json
import math
import struct
import unittest

from program import (
    Case, anndata, needs_anndata, numpy, read_npy, read_safetensors, read_table, small_counts,
)  # fmt: skip

ALL = ("--outputs", "log2,counts,latent,biozero")


def read_matrix_market(path, n_rows, n_columns):
    """Dense columns x rows: cells x genes of a file of genes x cells."""
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt") as file:
        lines = [line.split() for line in file if not line.startswith("%")]
    assert [int(lines[0][0]), int(lines[0][1])] == [n_rows, n_columns], lines[0]
    values = [[0.0] * n_rows for _ in range(n_columns)]
    for row, column, value in lines[1:]:
        values[int(column) - 1][int(row) - 1] = float(value)
    assert len(lines) - 1 == int(lines[0][2])
    return values


def as_float32(rows):
    return [[struct.unpack("f", struct.pack("f", value))[0] for value in row] for row in rows]


class Results(Case):
    def test_every_format_holds_the_same(self):
        counts = self.write_counts("counts.csv")
        cells = [f"c{k + 1}" for k in range(40)]
        genes = [f"g{k + 1}" for k in range(12)]
        common = ("--n-top-genes", 0, "--orientation", "cells-are-rows", *ALL)
        names = ["a.npy", "a.csv", "a.tsv.gz", "a.mtx", "folder", "a.h5ad", "b.h5"]
        for name in names:
            self.denoise(counts, "-o", self.out / name, *common)
        self.check_all_at_once(counts, names, common)
        wanted = {}
        for kind in ("log2", "counts", "latent", "biozero"):
            wanted[kind] = read_npy(self.out / f"a.{kind}.npy")
            self.assertEqual(len(wanted[kind]), 40)
            self.assertEqual(len(wanted[kind][0]), 32 if kind == "latent" else 12)
            for name in (f"a.{kind}.csv", f"a.{kind}.tsv.gz"):
                rows, columns, values = read_table(self.out / name)
                self.assertEqual(rows, cells)
                self.assertEqual(as_float32(values), wanted[kind], name)
                if kind != "latent":
                    self.assertEqual(columns, genes)
            if kind == "latent":
                for name in ("a.latent.tsv", "folder/latent.tsv.gz"):
                    self.assertEqual(as_float32(read_table(self.out / name)[2]), wanted[kind])
                continue
            for name in (f"a.{kind}.mtx", f"folder/{kind}/matrix.mtx.gz"):
                values = read_matrix_market(self.out / name, 12, 40)
                self.assertEqual(as_float32(values), wanted[kind], name)
        self.assertEqual((self.out / "a.cells.txt").read_text().split(), cells)
        self.assertEqual((self.out / "a.genes.txt").read_text().split(), genes)
        self.assertEqual((self.out / "a.barcodes.tsv").read_text().split(), cells)
        self.check_meaning(wanted)
        if anndata:
            self.check_h5ad(wanted, cells, genes)

    def check_all_at_once(self, counts, names, common):
        """Several formats of one run: the same files, with the same bytes."""
        together = self.folder / "together"
        together.mkdir()
        outputs = [word for name in names for word in ("-o", together / name)]
        self.denoise(counts, *outputs, *common)
        files = sorted(path.relative_to(self.out) for path in self.out.rglob("*") if path.is_file())
        for name in files:
            self.assertEqual((together / name).read_bytes(), (self.out / name).read_bytes(), name)
        self.assertEqual(files, sorted(path.relative_to(together) for path in together.rglob("*") if path.is_file()))

    def check_meaning(self, results):
        """Observed counts are kept, on both scales; log2 and counts belong together."""
        counts = small_counts()
        libraries = [sum(row) for row in counts]
        median = sorted(libraries)[19] / 2 + sorted(libraries)[20] / 2
        for cell, row in enumerate(counts):
            factor = libraries[cell] / median
            for gene, count in enumerate(row):
                log2 = results["log2"][cell][gene]
                denoised = results["counts"][cell][gene]
                # float32 of log2 is good to 2^-24 of itself, so 2^log2 to ln 2 * log2 of that.
                scale = (2**log2) * factor
                tolerance = scale * max(1, log2) * 2**-23
                self.assertLessEqual(abs((2**log2 - 1) * factor - denoised), tolerance)
                probability = results["biozero"][cell][gene]
                self.assertTrue(0 <= probability <= 1)
                self.assertGreaterEqual(log2, 0)
                if count:
                    self.assertEqual(probability, 0)
                    self.assertAlmostEqual(log2, math.log2(1 + count / factor), delta=1e-5)

    def check_h5ad(self, wanted, cells, genes):
        data = anndata.read_h5ad(self.out / "a.h5ad")
        self.assertEqual(list(data.obs_names), cells)
        self.assertEqual(list(data.var_names), genes)
        self.assertTrue((data.X.toarray() == numpy.array(small_counts())).all())
        for kind, values in {
            "log2": data.layers["maskclass"],
            "counts": data.layers["denoised"],
            "biozero": data.layers["biozero"],
            "latent": data.obsm["X_maskclass"],
        }.items():
            self.assertEqual(values.dtype, "float32")
            self.assertEqual(values.tolist(), wanted[kind], kind)
        self.assertEqual(len(data.uns["maskclass"]["history"]["masked_loss"]), 2)
        self.assertEqual(data.uns["maskclass"]["epochs"], 2)

    def test_spread_is_the_same_in_every_format(self):
        counts = self.write_counts("counts.csv")
        kinds = ("log2", "sd", "q05", "q95")
        names = ["a.npy", "a.csv", "folder", "a.h5ad"]
        outputs = [word for name in names for word in ("-o", self.out / name)]
        self.denoise(counts, *outputs, "--n-top-genes", 0, "--orientation", "cells-are-rows",
                     "--ensemble", 3, "--outputs", ",".join(kinds))  # fmt: skip
        wanted = {kind: read_npy(self.out / f"a.{kind}.npy") for kind in kinds}
        for kind in kinds:
            self.assertEqual(as_float32(read_table(self.out / f"a.{kind}.csv")[2]), wanted[kind])
            values = read_matrix_market(self.out / f"folder/{kind}/matrix.mtx.gz", 12, 40)
            self.assertEqual(as_float32(values), wanted[kind], kind)
        zeros = 0
        for cell, row in enumerate(small_counts()):
            for gene, count in enumerate(row):
                log2, sd, q05, q95 = (wanted[kind][cell][gene] for kind in kinds)
                self.assertTrue(q05 <= log2 <= q95)
                if count:
                    self.assertEqual((sd, q05, q95), (0, log2, log2))
                else:
                    zeros += sd > 0
        self.assertGreater(zeros, 0)
        if anndata:
            data = anndata.read_h5ad(self.out / "a.h5ad")
            for kind in kinds[1:]:
                self.assertEqual(data.layers[f"maskclass_{kind}"].tolist(), wanted[kind], kind)
            self.assertEqual(data.uns["maskclass"]["ensemble"], 3)
        # A run on the result takes its layers for its own, not for the user's.
        self.denoise(self.out / "a.h5ad", "-o", self.out / "b.h5ad", "--outputs", "log2")
        if anndata:
            self.assertEqual(list(anndata.read_h5ad(self.out / "b.h5ad").layers), ["maskclass"])

    @needs_anndata
    def test_what_calibrated_found_is_kept(self):
        counts = self.write_counts("counts.csv")
        common = ("--n-top-genes", 0, "--orientation", "cells-are-rows", "--variant", "calibrated")
        self.denoise(counts, "-o", self.out / "a.h5ad", *common)
        found = anndata.read_h5ad(self.out / "a.h5ad").uns["maskclass"]
        self.assertGreaterEqual(found["calibrated_clusters"], 1)
        self.assertIn(found["calibrated_zero_inflated"], (True, False))
        self.assertTrue(0 <= found["calibrated_expression_share"] <= 1)
        self.assertTrue(0 <= found["calibrated_network_weight"] <= 1)
        self.denoise(counts, "-o", self.out / "b.h5ad", *common, "--ensemble", 2)
        both = anndata.read_h5ad(self.out / "b.h5ad").uns["maskclass"]["calibrated_clusters"]
        self.assertEqual(len(both.split(", ")), 2)
        self.assertEqual(int(both.split(", ")[0]), found["calibrated_clusters"])

    def test_one_output_has_the_plain_name(self):
        counts = self.write_matrix_market()
        self.denoise(counts, "-o", self.out / "a.tsv", "--outputs", "biozero")
        self.assertEqual(self.files(), ["a.tsv"])
        self.denoise(counts, "-o", self.out / "a.npy", "--outputs", "latent")
        self.assertEqual(self.files(), ["a.cells.txt", "a.genes.txt", "a.npy", "a.tsv"])

    @needs_anndata
    def test_outputs_are_as_asked(self):
        counts = self.write_matrix_market()
        self.denoise(counts, "-o", "a.h5ad", "--outputs", "biozero")
        data = anndata.read_h5ad(self.folder / "a.h5ad")
        self.assertEqual(list(data.layers), ["biozero"])
        self.assertEqual(list(data.obsm), [])

    def test_variants_and_observed(self):
        counts = self.write_counts()
        common = ("--n-top-genes", 0, "--orientation", "cells-are-rows", "--outputs", "log2")

        def values(*arguments):
            self.denoise(counts, "-o", "a.csv", *common, *arguments)
            return read_table(self.folder / "a.csv")[2]

        balanced = values()
        self.assertEqual(values("--variant", "balanced"), balanced)
        self.assertEqual(values("--gamma", 1), balanced)
        best = values("--variant", "best")
        self.assertNotEqual(best, balanced)
        self.assertEqual(values("--gamma", 0), best)
        replaced = values("--observed", "replace")
        for row, kept, network in zip(small_counts(), balanced, replaced):
            for count, a, b in zip(row, kept, network):
                if count == 0:
                    self.assertEqual(a, b)
        self.assertNotEqual(replaced, balanced)
        calibrated = values("--variant", "calibrated")
        for row, kept, ours in zip(small_counts(), best, calibrated):
            for count, a, b in zip(row, kept, ours):
                if count > 0:
                    self.assertEqual(a, b)
        self.assertNotEqual(calibrated, best)
        self.assertNotEqual(values("--biozero", "calibrated"), balanced)
        free = values("--observed", "replace", "--no-clamp")
        self.assertLess(min(min(row) for row in free), 0)
        clamped = [[max(value, 0.0) for value in row] for row in free]
        self.assertEqual(clamped, replaced)

    @needs_anndata
    def test_all_genes(self):
        counts = numpy.array(small_counts(n_genes=30))
        counts[:, 4] = 0
        counts[1:, 9] = 0
        counts[0, 9] = 5  # in one cell only
        path = self.write_counts(counts=counts.tolist())
        arguments = (path, "--n-top-genes", 5, "--orientation", "cells-are-rows", *ALL)
        self.denoise(*arguments, "-o", "kept.h5ad")
        self.denoise(*arguments, "-o", "all.h5ad", "--all-genes")
        kept = anndata.read_h5ad(self.folder / "kept.h5ad")
        every = anndata.read_h5ad(self.folder / "all.h5ad")
        self.assertEqual(list(every.var_names), [f"g{k + 1}" for k in range(30)])
        self.assertTrue((every.X.toarray() == counts).all())
        denoised = every.var["maskclass_denoised"].to_numpy(dtype=bool)
        self.assertTrue(0 < denoised.sum() <= 5)
        self.assertEqual(list(every.var_names[denoised]), list(kept.var_names))
        for layer in ("maskclass", "denoised", "biozero"):
            self.assertTrue((every.layers[layer][:, denoised] == kept.layers[layer]).all())
        self.assertTrue((every.layers["denoised"][:, ~denoised] == counts[:, ~denoised]).all())
        library = every.obs["maskclass_library_size"].to_numpy()
        in_three_cells = (counts > 0).sum(0) >= 3
        self.assertTrue((library == counts[:, in_three_cells].sum(1)).all())
        log2 = numpy.log2(counts / (library / numpy.median(library))[:, None] + 1)
        observed = every.layers["maskclass"][:, ~denoised]
        self.assertLess(numpy.abs(observed - log2[:, ~denoised]).max(), 1e-5)
        self.assertEqual(list(every.var_names[every.var["highly_variable"].to_numpy(dtype=bool)]),
                         list(kept.var_names))  # fmt: skip

    @needs_anndata
    def test_obs_and_var_are_carried_over(self):
        import pandas

        counts = numpy.array(small_counts(), dtype="float32")
        data = anndata.AnnData(
            counts,
            obs=pandas.DataFrame(
                {"type": pandas.Categorical(["A", "B"] * 20), "depth": counts.sum(1)},
                index=[f"Zelle {k} µ" for k in range(40)],
            ),
            var=pandas.DataFrame({"id": range(12)}, index=[f"géne/{k}" for k in range(12)]),
            dtype="float32",
        )
        data.raw = anndata.AnnData(
            counts[:, :8],
            var=pandas.DataFrame({"of_raw": range(8)}, index=[f"raw {k}" for k in range(8)]),
            obs=pandas.DataFrame(index=data.obs_names),
            dtype="float32",
        )
        data.write_h5ad(self.folder / "named.h5ad")
        self.denoise("named.h5ad", "-o", "out.h5ad", "--n-top-genes", 0)
        out = anndata.read_h5ad(self.folder / "out.h5ad")
        self.assertEqual(list(out.obs_names), list(data.obs_names))
        self.assertEqual(list(out.var_names), list(data.var_names))
        self.assertEqual(list(out.obs["type"]), list(data.obs["type"]))
        self.assertEqual(list(out.obs["depth"]), list(data.obs["depth"]))
        self.assertEqual(list(out.var["id"]), list(range(12)))
        # raw has genes, and a table of them, of its own.
        self.denoise("named.h5ad", "-o", "out.h5ad", "--n-top-genes", 0, "--layer", "raw")
        out = anndata.read_h5ad(self.folder / "out.h5ad")
        self.assertEqual(list(out.var_names), [f"raw {k}" for k in range(8)])
        self.assertEqual(list(out.var["of_raw"]), list(range(8)))

    def test_genes_file(self):
        counts = self.write_counts()
        genes = self.write("genes.txt", "g7\ng2\ng11\ng2\n")
        self.denoise(
            counts, "-o", "a.csv", "--genes-file", genes, "--outputs", "log2",
            "--orientation", "cells-are-rows")  # fmt: skip
        self.assertEqual(read_table(self.folder / "a.csv")[1], ["g2", "g7", "g11"])  # input order

    def test_model(self):
        counts = self.write_counts()
        self.denoise(
            counts, "-o", "a.npy", "--save-model", "m.safetensors", "--n-top-genes", 0, "--hidden",
            20, "--latent", 7, "--orientation", "cells-are-rows")  # fmt: skip
        header, tensors = read_safetensors(self.folder / "m.safetensors")
        shapes = {name: header[name]["shape"] for name in tensors}
        widths = {"encoder.0": (12, 20), "encoder.1": (20, 7), "decoder.0": (7, 20)}
        wanted = {"decoder.1.linear.weight": [12, 20], "decoder.1.linear.bias": [12]}
        for block, (inputs, outputs) in widths.items():
            wanted[f"{block}.linear.weight"] = [outputs, inputs]
            for name in ("linear.bias", "norm.weight", "norm.bias"):
                wanted[f"{block}.{name}"] = [outputs]
        self.assertEqual(shapes, wanted)
        for name, values in tensors.items():
            self.assertEqual(len(values), math.prod(shapes[name]), name)
            self.assertEqual(header[name]["dtype"], "F32")
            self.assertTrue(all(math.isfinite(value) for value in values), name)
        metadata = header["__metadata__"]
        self.assertTrue(all(isinstance(value, str) for value in metadata.values()))
        self.assertEqual(json.loads(metadata["genes"]), [f"g{k + 1}" for k in range(12)])
        self.assertEqual(json.loads(metadata["parameters"])["hidden"], 20)

    def test_results_are_evaluated_alike_in_every_format(self):
        folder = self.simulate()
        scores = set()
        for name in ("a.h5ad", "a.npy", "a.csv.gz", "a.tsv", "a.mtx"):
            arguments = () if name == "a.h5ad" else ("--outputs", "log2")
            self.denoise(folder / "counts.h5ad", "-o", name, "--n-top-genes", 0, *arguments)
            done = self.run_program("evaluate", name, "--truth", folder, "--json", code=0)
            report = json.loads(done.out)
            report.pop("file", None)
            report.pop("denoised", None)
            scores.add(json.dumps(report).replace(name, ""))
        self.assertEqual(len(scores), 1, scores)

    def test_training_denoises(self):
        """Not a test of the method, but of all being connected: half the error is gone soon."""
        folder = self.simulate(cells=300, genes=120)
        self.run_program(
            "denoise", folder / "counts.h5ad", "-o", "a.h5ad", "--n-top-genes", 0, "--epochs", 60,
            code=0)  # fmt: skip
        done = self.run_program("evaluate", "a.h5ad", "--truth", folder, "--json", code=0)
        text = json.dumps(json.loads(done.out))
        scores = json.loads(text)
        before, after = find(scores, "mse")
        self.assertLess(after, 0.5 * before, text)


def find(tree, key):
    """The largest and the smallest number under this key, anywhere."""
    found = []

    def walk(node):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            if name == key and isinstance(value, (int, float)):
                found.append(value)
            elif isinstance(value, (dict, list)):
                walk(value)

    walk(tree)
    return max(found), min(found)


if __name__ == "__main__":
    unittest.main()
