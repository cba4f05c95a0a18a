"""Every format that is read, from files that other programs wrote, and what is carried over."""

import gzip
import subprocess
import sys
import unittest

from program import DATA, PROGRAM, SECONDS, SUCCESS, USAGE, Case, SOURCE, h5py, needs_h5py, numpy, read_table

FIXTURES = SOURCE / "tests/io/fixtures"
sys.path.insert(0, str(FIXTURES))
try:
    import elements
    import values
except ImportError:  # without numpy and h5py
    elements = values = None
try:
    import scipy.sparse
except ImportError:
    scipy = None

ALL = ("--all-genes", "--epochs", 0)
VERSIONS = ("0.7.8", "0.8.0", "0.10.9", "0.13.4")


@needs_h5py
class H5ad(Case):
    """Fixtures of four versions of anndata: tests/io/fixtures/make_h5ad.py."""

    def counts_of(self, path):
        with h5py.File(path) as file:
            names = elements.read(file["obs"][file["obs"].attrs["_index"]])[1]
            genes = elements.read(file["var"][file["var"].attrs["_index"]])[1]
            return elements.read(file["X"])[1], names, genes

    def test_every_storage_of_every_version(self):
        for version in VERSIONS:
            for kind, arguments in (
                ("all", ()), ("csc", ()), ("dense", ()), ("chunked", ()), ("all", ("--layer", "raw")),
            ):  # fmt: skip
                with self.subTest(version, kind=kind, arguments=arguments):
                    path = FIXTURES / f"anndata-{version}-{kind}.h5ad"
                    self.run_program("denoise", path, "-o", "a.h5ad", *ALL, *arguments, code=SUCCESS)
                    n_genes = values.N_RAW if arguments else values.N_GENES
                    counts, cells, genes = self.counts_of(self.folder / "a.h5ad")
                    self.assertEqual(counts, values.counts(n_genes).tolist())
                    self.assertEqual(cells, values.cell_names())
                    self.assertEqual(genes, values.symbols(n_genes))

    def test_integer_layers(self):
        for version in VERSIONS:
            path = FIXTURES / f"anndata-{version}-all.h5ad"
            self.run_program(
                "denoise", path, "-o", "a.h5ad", *ALL, "--layer", "spliced", code=SUCCESS)  # fmt: skip
            counts = self.counts_of(self.folder / "a.h5ad")[0]
            self.assertEqual(counts, (values.counts() * 2).tolist())

    def assert_carried(self, source, result, cells=None, genes=None):
        """All of `source` but X, subset to cells and genes, with its kinds and values."""
        axes = {
            "layers": (cells, genes), "obsm": (cells, None), "obsp": (cells, cells),
            "varm": (genes, None), "varp": (genes, genes), "uns": (None, None),
        }  # fmt: skip
        for group, (rows, columns) in axes.items():
            for name in source[group]:
                wanted = elements.pick(elements.read(source[group][name]), rows, columns)
                self.assertEqual(elements.read(result[group][name]), wanted, f"{group}/{name}")
        for frame, rows in (("obs", cells), ("var", genes)):
            wanted = elements.pick(("dataframe", elements.table(source[frame])), rows)[1]
            found = elements.table(result[frame])
            index = elements.text(source[frame].attrs["_index"])
            self.assertEqual(found[index], ("text", wanted.pop(index)[1]))
            self.assertEqual({name: found[name] for name in wanted}, wanted, frame)
            ours = [name for name in found if name not in wanted and name != index]
            self.assertTrue(all("maskclass" in name or name == "highly_variable" for name in ours))
        wanted = elements.pick(elements.read(source["raw/X"]), cells)
        self.assertEqual(elements.read(result["raw/X"]), wanted)
        self.assertEqual(elements.table(result["raw/var"]), elements.table(source["raw/var"]))

    def test_all_is_carried_over(self):
        for version in VERSIONS:
            with self.subTest(version):
                path = FIXTURES / f"anndata-{version}-all.h5ad"
                done = self.run_program("denoise", path, "-o", "a.h5ad", *ALL, code=SUCCESS)
                self.assertNotIn("not carried", done.err)
                with h5py.File(path) as source, h5py.File(self.folder / "a.h5ad") as result:
                    self.assert_carried(source, result)
                    self.assertNotIn("not_carried", result["uns/maskclass"])
                # A result is an input: what is ours is replaced, the rest carried over again.
                again = self.run_program("denoise", "a.h5ad", "-o", "b.h5ad", *ALL, code=SUCCESS)
                self.assertNotIn("not carried", again.err)
                with h5py.File(path) as source, h5py.File(self.folder / "b.h5ad") as result:
                    self.assert_carried(source, result)

    def test_carried_over_in_part(self):
        """A cell without counts is dropped, and genes are chosen."""
        genes = [1, 2, 5, 6, 9]
        cells = [k for k in range(values.N_CELLS) if k not in (0, 7)]
        chosen = self.write("genes.txt", "".join(values.gene_ids()[k] + "\n" for k in genes))
        for version in VERSIONS:
            for kind in ("all",):
                with self.subTest(version, kind=kind):
                    path = self.folder / "source.h5ad"
                    path.write_bytes((FIXTURES / f"anndata-{version}-{kind}.h5ad").read_bytes())
                    with h5py.File(path, "a") as file:
                        for cell in (0, 7):
                            at = file["X/indptr"][cell : cell + 2]
                            file["X/data"][at[0] : at[1]] = 0
                    done = self.run_program(
                        "denoise", path, "-o", "a.h5ad", "--drop-empty-cells", "--epochs", 0,
                        "--min-cells", 0, "--genes-file", chosen, code=SUCCESS)  # fmt: skip
                    self.assertNotIn("not carried", done.err)
                    with h5py.File(path) as source, h5py.File(self.folder / "a.h5ad") as result:
                        self.assert_carried(source, result, cells, genes)
                        kept = values.counts()[numpy.ix_(cells, genes)]
                        self.assertEqual(elements.read(result["X"])[1], kept.tolist())

    def test_sparse_parts_stay_compressed(self):
        genes = [1, 2, 5, 6, 9]
        chosen = self.write("genes.txt", "".join(values.gene_ids()[k] + "\n" for k in genes))
        path = self.folder / "source.h5ad"
        path.write_bytes((FIXTURES / "anndata-0.8.0-all.h5ad").read_bytes())
        with h5py.File(path, "a") as file:
            for name, entries in (("packed", slice(None)), ("empty", slice(0))):
                group = file["layers"].create_group(name)
                group.attrs.update(file["X"].attrs)
                for part in ("data", "indices", "indptr"):
                    data = file["X"][part][:] * (1 if name == "packed" or part != "indptr" else 0)
                    data = data if part == "indptr" else data[entries]
                    group.create_dataset(part, data=data, chunks=(7,), maxshape=(None,), compression="gzip")
        done = self.run_program(
            "denoise", path, "-o", "a.h5ad", "--epochs", 0, "--min-cells", 0, "--genes-file", chosen,
            "--drop-empty-cells", code=SUCCESS)  # fmt: skip
        self.assertNotIn("not carried", done.err)
        with h5py.File(path) as source, h5py.File(self.folder / "a.h5ad") as result:
            for name in ("packed", "empty"):
                wanted = elements.pick(elements.read(source["layers"][name]), None, genes)
                self.assertEqual(elements.read(result["layers"][name]), wanted)
            for part in ("data", "indices", "indptr"):
                self.assertEqual(result["layers/packed"][part].compression, "gzip")
                self.assertEqual(result["layers/packed"][part].chunks, (7,))

    def test_what_cannot_be_carried_over_is_told(self):
        path = self.folder / "source.h5ad"
        path.write_bytes((FIXTURES / "anndata-0.8.0-all.h5ad").read_bytes())
        with h5py.File(path, "a") as file:
            odd = file["obsm"].create_group("odd")
            odd.attrs.update({"encoding-type": "awkward-array", "encoding-version": "0.1.0"})
            file["obsm/short"] = numpy.zeros((values.N_CELLS - 1, 2))
        arguments = ("--drop-empty-cells", "--epochs", 0, "--n-top-genes", 0, "--min-cells", 0)
        with h5py.File(path, "a") as file:
            at = file["X/indptr"][3:5]
            file["X/data"][at[0] : at[1]] = 0
        done = self.run_program("denoise", path, "-o", "a.h5ad", *arguments, code=SUCCESS)
        for name in ("obsm/odd", "obsm/short"):
            self.assertIn(f"not carried over from the input: {path}: {name}", done.err)
        with h5py.File(self.folder / "a.h5ad") as result:
            told = [elements.text(name) for name in result["uns/maskclass/not_carried"]]
            self.assertEqual(len(told), 2)
            self.assertNotIn("odd", result["obsm"])


@needs_h5py
class Evaluate(Case):
    def test_duplicate_symbols_are_matched_by_id_and_labels_are_a_column(self):
        source = FIXTURES / "anndata-0.8.0-all.h5ad"
        genes = self.write("genes.txt", "".join(values.gene_ids()[k] + "\n" for k in (1, 2, 4, 5, 8)))
        self.run_program("denoise", source, "-o", "a.h5ad", "--genes-file", genes, "--epochs", 2,
                         "--min-cells", 0, code=SUCCESS)  # fmt: skip
        with h5py.File(self.folder / "a.h5ad") as file:
            names = elements.read(file["var/_index"])[1]
            self.assertLess(len(set(names)), len(names))  # MATR3 twice
        done = self.run_program("evaluate", "a.h5ad", "--truth", source, "--counts", source, "--labels", "type",
                                "--json", code=SUCCESS)  # fmt: skip
        self.assertIn("ari", done.out.lower())
        again = self.run_program("evaluate", "a.h5ad", "--truth", source, "--counts", source, "--label-column",
                                 "type", "--json", code=SUCCESS)  # fmt: skip
        self.assertEqual(done.out, again.out)
        done = self.run_program("evaluate", "a.h5ad", "--labels", "nosuch", code=DATA)
        self.assertIn("no column nosuch", done.err)


def tenx_strings(words):
    return numpy.array([word.encode() for word in words])


@needs_h5py
class Tenx(Case):
    GENOMES = ("GRCh38", "mm10")

    def write_tenx(self, path, counts, types=None, genomes=None, legacy=None):
        """Cell Ranger 3, or with `legacy`, the name of a genome, the layout before."""
        n_cells, n_genes = counts.shape
        pointers, indices, data = [0], [], []
        for row in counts:
            found = numpy.nonzero(row)[0]
            indices += found.tolist()
            data += row[found].tolist()
            pointers.append(len(indices))
        with h5py.File(path, "a") as file:
            group = file.create_group(legacy or "matrix")
            group["barcodes"] = tenx_strings(f"AAACCTGA{k:04d}-1" for k in range(n_cells))
            group.create_dataset("data", data=numpy.array(data, "int32"), compression="gzip")
            group.create_dataset("indices", data=numpy.array(indices, "int64"), compression="gzip")
            group["indptr"] = numpy.array(pointers, "int64")
            group["shape"] = numpy.array([n_genes, n_cells], "int32")
            ids = tenx_strings(f"ENSG{k:011d}" for k in range(n_genes))
            names = tenx_strings(f"S{k // 2}" for k in range(n_genes))
            if legacy:
                group["genes"], group["gene_names"] = ids, names
                return path
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            features["feature_type"] = tenx_strings(types or ["Gene Expression"] * n_genes)
            features["genome"] = tenx_strings(genomes or ["GRCh38"] * n_genes)
            features["_all_tag_keys"] = tenx_strings(["genome"])
        return path

    def read_back(self, *arguments):
        done = self.run_program("denoise", *arguments, "-o", "a.h5ad", *ALL, code=SUCCESS)
        with h5py.File(self.folder / "a.h5ad") as file:
            genes = elements.read(file["var/_index"])[1]
            symbols = elements.read(file["var/gene_symbols"])[1]
            return numpy.array(elements.read(file["X"])[1]), genes, symbols, done.err

    def setUp(self):
        super().setUp()
        self.counts = values.counts()

    def test_both_layouts(self):
        for legacy in (None, "GRCh38"):
            path = self.write_tenx(self.folder / f"{legacy}.h5", self.counts, legacy=legacy)
            counts, genes, symbols, _ = self.read_back(path)
            self.assertTrue((counts == self.counts).all())
            self.assertEqual(genes[3], "ENSG00000000003")
            self.assertEqual(symbols[3], "S1")

    def test_feature_types(self):
        types = ["Antibody Capture" if k in (2, 7) else "Gene Expression" for k in range(10)]
        path = self.write_tenx(self.folder / "a.h5", self.counts, types)
        counts, genes, _, told = self.read_back(path)
        self.assertTrue((counts == numpy.delete(self.counts, (2, 7), 1)).all())
        self.assertEqual(len(genes), 8)
        self.assertIn("left out 2 of 'Antibody Capture'", told)

    def test_genomes(self):
        genomes = [self.GENOMES[k >= 6] for k in range(10)]
        path = self.write_tenx(self.folder / "a.h5", self.counts, genomes=genomes)
        counts, _, _, told = self.read_back(path)
        self.assertTrue((counts == self.counts).all())
        self.assertIn("6 of 'GRCh38', 4 of 'mm10'", told)
        counts, genes, _, _ = self.read_back(path, "--genome", "mm10", "--drop-empty-cells", "--n-top-genes", 0)
        self.assertEqual(genes[0], "ENSG00000000006")
        done = self.run_program("denoise", path, "-o", self.out / "x.csv", "--genome", "rn6")
        self.assert_refused(done, USAGE, ["rn6", "GRCh38", "mm10"])

    def test_genomes_of_the_old_layout(self):
        path = self.folder / "a.h5"
        self.write_tenx(path, self.counts, legacy="GRCh38")
        self.write_tenx(path, self.counts[:5] + 1, legacy="mm10")
        done = self.run_program("denoise", path, "-o", self.out / "x.csv")
        self.assert_refused(done, USAGE, ["GRCh38, mm10", "--genome"])
        counts = self.read_back(path, "--genome", "mm10")[0]
        self.assertTrue((counts == self.counts[:5] + 1).all())

    def test_content_counts_not_the_name(self):
        path = self.folder / "really.h5"
        path.write_bytes((FIXTURES / "anndata-0.8.0-dense.h5ad").read_bytes())
        self.run_program("denoise", path, "-o", "a.csv", "--outputs", "log2", *ALL, code=SUCCESS)
        path = self.write_tenx(self.folder / "really.h5ad", self.counts)
        self.run_program("denoise", path, "-o", "a.csv", "--outputs", "log2", *ALL, code=SUCCESS)


@needs_h5py
class Loom(Case):
    def write_loom(self, counts, **attributes):
        path = self.folder / "a.loom"
        with h5py.File(path, "w") as file:
            file.create_dataset("matrix", data=counts.T, chunks=(4, 5), compression="gzip")
            file["layers/spliced"] = (counts * 3).T
            file.create_group("row_attrs")
            file.create_group("col_attrs")
            file.create_group("row_graphs")
            for name, words in attributes.items():
                file[name.replace("__", "/")] = tenx_strings(words)
        return path

    def test_matrix_and_layer(self):
        path = self.write_loom(
            values.counts(), col_attrs__CellID=values.cell_names(), row_attrs__Gene=values.symbols(),
            row_attrs__Accession=values.gene_ids())  # fmt: skip
        for arguments, factor in (((), 1), (("--layer", "spliced"), 3)):
            self.run_program("denoise", path, "-o", "a.h5ad", *ALL, *arguments, code=SUCCESS)
            with h5py.File(self.folder / "a.h5ad") as file:
                counts = elements.read(file["X"])[1]
                self.assertEqual(counts, (values.counts() * factor).tolist())
                self.assertEqual(elements.read(file["var/_index"])[1], values.symbols())
                self.assertEqual(elements.read(file["var/gene_ids"])[1], values.gene_ids())
                self.assertEqual(elements.read(file["obs/_index"])[1], values.cell_names())
        done = self.run_program("denoise", path, "-o", self.out / "x.csv", "--layer", "no")
        self.assert_refused(done, DATA, ["no layer 'no'", "spliced"])

    def test_without_names(self):
        path = self.write_loom(values.counts())
        done = self.run_program("denoise", path, "-o", "a.csv", "--outputs", "log2", *ALL, code=SUCCESS)
        self.assertIn("no names of its cells", done.err)
        rows, columns, _ = read_table(self.folder / "a.csv")
        self.assertEqual((rows[3], columns[3]), ("cell3", "gene3"))


@unittest.skipIf(scipy is None or values is None, "python3 with scipy and h5py is not here")
class Npz(Case):
    def test_every_storage(self):
        counts = values.counts()
        for kind in ("csr", "csc", "coo"):
            for dtype in ("int64", "float32", "uint8", "bool"):
                matrix = getattr(scipy.sparse, f"{kind}_matrix")(counts.astype(dtype))
                for turned in (False, True):
                    with self.subTest(kind, dtype=dtype, turned=turned):
                        path = self.folder / "a.npz"
                        scipy.sparse.save_npz(path, matrix.T if turned else matrix, compressed=turned)
                        self.write("a.cells.txt", "\n".join(values.cell_names()) + "\n")
                        arguments = ("--orientation", "genes-are-rows") if turned else ()
                        self.run_program("denoise", path, "-o", "out.h5ad", *ALL, *arguments, code=SUCCESS)
                        with h5py.File(self.folder / "out.h5ad") as file:
                            found = numpy.array(elements.read(file["X"])[1])
                            self.assertTrue((found == counts.astype(dtype)).all())
                            self.assertEqual(elements.read(file["obs/_index"])[1], values.cell_names())
                            self.assertEqual(elements.read(file["var/_index"])[1][2], "gene2")

    def test_damaged(self):
        path = self.folder / "a.npz"
        good = scipy.sparse.csr_matrix(values.counts())

        def refuse(*words):
            done = self.run_program("denoise", path, "-o", self.out / "x.csv")
            self.assert_refused(done, DATA, ["a.npz", *words])

        def save(**changed):
            arrays = {
                "indices": good.indices, "indptr": good.indptr, "format": b"csr",
                "shape": numpy.array(good.shape), "data": good.data,
            }  # fmt: skip
            arrays.update(changed)
            numpy.savez(path, **{name: array for name, array in arrays.items() if array is not None})

        scipy.sparse.save_npz(path, good)
        whole = path.read_bytes()
        for length in (0, 10, len(whole) // 2, len(whole) - 10):
            path.write_bytes(whole[:length])
            refuse()
        flipped = bytearray(whole)
        flipped[120] ^= 255
        path.write_bytes(bytes(flipped))
        refuse()
        for changed, word in (
            ({"data": None}, "data"),
            ({"indptr": good.indptr[:-1]}, "damaged"),
            ({"indices": good.indices + 5}, "gene"),
            ({"indices": numpy.zeros_like(good.indices)}, "twice"),
            ({"data": good.data - 2}, "negative"),
            ({"format": b"dia"}, "dia"),
            ({"shape": numpy.array([2**40, 3])}, "shape"),
            ({"shape": numpy.array([3])}, "shape"),
            ({"data": good.data.astype("complex64")}, "c8"),
        ):
            save(**changed)
            refuse(word)


class Text(Case):
    TABLE = "cell,ACTB,GAPDH,INS\nAAACATACAACCAC,5,0,7\nAAACATTGAGCTAC,0,1,2\nAAACATTGAGCTGG,3,3,0\n"
    COUNTS = [[5, 0, 7], [0, 1, 2], [3, 3, 0]]

    def counts_of(self, *arguments, **options):
        """Counts are kept where they are not 0."""
        done = subprocess.run(
            [PROGRAM, "denoise", *map(str, arguments), "-o", "out.csv", "--outputs", "counts", "--min-cells", "0", "--epochs", "0", "--n-top-genes", "0"],
            cwd=self.folder, capture_output=True, timeout=SECONDS, **options)  # fmt: skip
        self.assertEqual(done.returncode, SUCCESS, done.stderr)
        rows, columns, found = read_table(self.folder / "out.csv")
        return rows, columns, [[int(v) if v == int(v) and wanted else 0 for v, wanted in zip(*pair)]
                               for pair in zip(found, self.COUNTS)]  # fmt: skip

    def check(self, name, text, *arguments):
        path = self.write(name, text)
        rows, columns, counts = self.counts_of(path, *arguments)
        self.assertEqual(counts, self.COUNTS, name)
        return rows, columns

    def test_separators(self):
        for name, separator in (
            ("a.csv", ","), ("b.csv", ";"), ("a.tsv", "\t"), ("a.txt", "\t"), ("b.txt", ","),
            ("c.txt.gz", " "), ("a.tab", "\t"), ("d.txt", ";"),
        ):  # fmt: skip
            rows, columns = self.check(name, self.TABLE.replace(",", separator))
            self.assertEqual(rows[1], "AAACATTGAGCTAC")
            self.assertEqual(columns, ["ACTB", "GAPDH", "INS"])

    def test_turned_and_as_r_writes_it(self):
        turned = "AAACATACAACCAC\tAAACATTGAGCTAC\tAAACATTGAGCTGG\nACTB\t5\t0\t3\nGAPDH\t0\t1\t3\nINS\t7\t2\t0\n"
        self.check("a.txt", turned)
        self.check("b.txt", turned.replace("\t", '"\t"').replace("\n", '"\n"')[:-1].join(['"', ""]))

    def test_without_header_or_row_names(self):
        numbers = "5,0,7\n0,1,2\n3,3,0\n"
        cells = ("--orientation", "cells-are-rows")
        rows, columns = self.check("a.csv", numbers, "--no-header", "--no-row-names", *cells)
        self.assertEqual((rows[2], columns[2]), ("cell2", "gene2"))
        lines = self.TABLE.splitlines(keepends=True)
        rows, columns = self.check("a.csv", "".join(lines[1:]), "--no-header")
        self.assertEqual((rows[1], columns[1]), ("AAACATTGAGCTAC", "gene1"))
        rows, columns = self.check("a.csv", "ACTB,GAPDH,INS\n" + numbers, "--no-row-names")
        self.assertEqual((rows[1], columns[1]), ("cell1", "GAPDH"))

    def test_names_that_are_numbers(self):
        """Entrez ids are names; a row of counts is none, since counts repeat."""
        rows = [[(cell + gene) % 3 + 1 for gene in range(25)] for cell in range(6)]
        for names, code in (([7105 + 13 * k for k in range(25)], SUCCESS), (range(25), SUCCESS), (rows[0], DATA)):
            lines = [",".join(map(str, ["", *names]))]
            lines += [f"AAACCTGAGAAAC{k}," + ",".join(map(str, row)) for k, row in enumerate(rows)]
            path = self.write("a.csv", "\n".join(lines) + "\n")
            self.run_program("denoise", path, "-o", "x.csv", "--n-top-genes", 0, "--epochs", 0, "--orientation",
                             "cells-are-rows", code=code)  # fmt: skip

    def test_advice(self):
        for text, word in (("5,0,7\n0,1,2\n3,3,0\n", "--no-header"),
                           ("ACTB,GAPDH,INS\n5,0,7\n0,1,2\n5,3,0\n", "--no-row-names")):
            path = self.write("a.csv", text)
            done = self.run_program("denoise", path, "-o", self.out / "x.csv")
            self.assert_refused(done, DATA, [word])
        done = self.run_program("denoise", self.write_matrix_market(), "--no-header", "-o", "x.csv")
        self.assert_refused(done, USAGE, ["--no-header", "tables"])

    def test_standard_input(self):
        packed = gzip.compress(self.TABLE.encode())
        for data in (self.TABLE.encode(), self.TABLE.replace(",", "\t").encode(), packed):
            self.assertEqual(self.counts_of("-", input=data)[2], self.COUNTS)
        if values is not None:
            data = (FIXTURES / "anndata-0.8.0-all.h5ad").read_bytes()
            self.run_program("denoise", FIXTURES / "anndata-0.8.0-all.h5ad", "-o", "a.h5ad", *ALL, code=SUCCESS)
            done = subprocess.run([PROGRAM, "denoise", "-", "-o", "b.h5ad", *map(str, ALL)], input=data,
                                  cwd=self.folder, capture_output=True, timeout=SECONDS)  # fmt: skip
            self.assertEqual(done.returncode, SUCCESS, done.stderr)
            with h5py.File(self.folder / "a.h5ad") as a, h5py.File(self.folder / "b.h5ad") as b:
                self.assertEqual(set(a["obs"]), set(b["obs"]))
                self.assertEqual(elements.read(a["layers"]), elements.read(b["layers"]))
        for data in (b"", b"hello\n", b"\0\1\2"):
            done = subprocess.run([PROGRAM, "denoise", "-", "-o", self.out / "x.csv"], input=data,
                                  cwd=self.folder, capture_output=True, timeout=SECONDS)  # fmt: skip
            self.assertIn(done.returncode, (DATA, USAGE), done.stderr)
            self.assertIn(b"standard", done.stderr)
            self.assertEqual(self.files(), [])

    def test_prefixed_directories(self):
        folder = self.folder / "archive"
        self.write_matrix_market("archive/GSM1_x_matrix.mtx.gz")
        self.write("archive/GSM1_x_barcodes.tsv.gz", "".join(f"c{k}\n" for k in range(40)))
        self.write("archive/GSM1_x_features.tsv.gz", "".join(f"g{k}\tG{k}\tGene Expression\n" for k in range(12)))
        self.denoise(folder, "-o", "a.csv", "--outputs", "log2", "--n-top-genes", 0)
        one = (self.folder / "a.csv").read_text()
        self.assertEqual(read_table(self.folder / "a.csv")[1][2], "g2")
        self.write_matrix_market("archive/GSM2_matrix.mtx.gz")
        done = self.run_program("denoise", folder, "-o", self.out / "x.csv")
        self.assert_refused(done, USAGE, ["GSM1_x_matrix.mtx.gz, GSM2_matrix.mtx.gz"])
        self.denoise(folder / "GSM1_x_matrix.mtx.gz", "-o", "b.csv", "--outputs", "log2", "--n-top-genes", 0)
        self.assertEqual((self.folder / "b.csv").read_text(), one)


@needs_h5py
class Written(Case):
    """What is written is read again: names, ids, order, values."""

    def setUp(self):
        super().setUp()
        self.source = FIXTURES / "anndata-0.8.0-dense.h5ad"

    def test_tenx_h5(self):
        self.run_program("denoise", self.source, "-o", "a.h5", "--outputs", "counts", *ALL, code=SUCCESS)
        self.run_program("denoise", self.source, "-o", "a.h5ad", *ALL, code=SUCCESS)
        with h5py.File(self.folder / "a.h5") as tenx, h5py.File(self.folder / "a.h5ad") as ours:
            matrix = tenx["matrix"]
            self.assertEqual(elements.read(matrix["barcodes"])[1], values.cell_names())
            self.assertEqual(elements.read(matrix["features/id"])[1], values.gene_ids())
            self.assertEqual(elements.read(matrix["features/name"])[1], values.symbols())
            self.assertEqual(matrix["shape"][:].tolist(), [values.N_GENES, values.N_CELLS])
            dense = numpy.zeros((values.N_CELLS, values.N_GENES), "float32")
            for cell in range(values.N_CELLS):
                at = slice(*matrix["indptr"][cell : cell + 2])
                dense[cell, matrix["indices"][at]] = matrix["data"][at]
            self.assertEqual(dense.tolist(), elements.read(ours["layers/denoised"])[1])

    def test_tenx_directory(self):
        self.run_program("denoise", self.source, "-o", "a/", *ALL, code=SUCCESS)
        for kind in ("log2", "counts"):
            with gzip.open(self.folder / "a" / kind / "features.tsv.gz", "rt") as file:
                rows = [line.rstrip("\n").split("\t") for line in file]
            self.assertEqual(
                rows, [[a, b, "Gene Expression"] for a, b in zip(values.gene_ids(), values.symbols())])  # fmt: skip

    def test_genome_goes_round(self):
        path = Tenx.write_tenx(self, self.folder / "in.h5", values.counts(), genomes=["x", "y"] * 5)
        self.run_program("denoise", path, "-o", "out.h5", "--outputs", "counts", *ALL, code=SUCCESS)
        with h5py.File(path) as a, h5py.File(self.folder / "out.h5") as b:
            for name in ("barcodes", "features/id", "features/name", "features/genome", "features/feature_type"):
                self.assertEqual(elements.read(a[f"matrix/{name}"]), elements.read(b[f"matrix/{name}"]))

    def test_compression(self):
        for name in ("a.h5ad", "a.h5"):
            found = {}
            for level in (0, 6):
                self.run_program(
                    "denoise", FIXTURES / "anndata-0.8.0-all.h5ad", "-o", name, "--outputs", "log2",
                    "--compression", level, *ALL, code=SUCCESS)  # fmt: skip
                with h5py.File(self.folder / name) as file:
                    at = "layers/maskclass" if name == "a.h5ad" else "matrix/data"
                    self.assertEqual(file[at].compression_opts, level or None)
                    found[level] = file[at][()].tolist()
            self.assertEqual(found[0], found[6])

    def test_replaced_together(self):
        """Replaced together, with nothing left over."""
        arguments = ("denoise", self.source, *ALL, "--outputs", "log2,counts", "--seed")
        outputs = ("-o", self.out / "a.csv", "-o", self.out / "b.h5ad", "-o", self.out / "folder")
        self.run_program(*arguments, 1, *outputs, code=SUCCESS)
        before = {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        self.assertEqual(len(before), 2 + 1 + 6)
        self.run_program(*arguments, 2, *outputs, code=SUCCESS)
        after = {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        self.assertEqual(set(before), set(after))
        self.assertNotEqual(before, after)

    def test_two_outputs_of_one_name(self):
        done = self.run_program(
            "denoise", self.source, "-o", self.out / "a.mtx", "-o", self.out / "a.h5", *ALL)  # fmt: skip
        self.assert_refused(done, USAGE, ["two outputs", "a.latent.tsv"])


if __name__ == "__main__":
    unittest.main()
