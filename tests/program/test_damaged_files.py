"""Files of HDF5 with damaged bytes: a message and an exit code, never a signal and never a wait.

What is damaged where follows from a seed. MASKCLASS_DAMAGED_FILES says how many of each kind."""

import os
import random
import resource
import unittest

from program import DATA, SOURCE, SUCCESS, USAGE, Case, h5py, needs_h5py, numpy, small_counts

N_FILES = int(os.environ.get("MASKCLASS_DAMAGED_FILES", 12))
# engine/io/hdf5/trial.cpp gives a file of this size 10 seconds of the processor; a sound one takes
# less than a tenth of a second.
MOST_SECONDS = 15


def flipped(data, rng):
    for _ in range(rng.choice((1, 1, 4, 16))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def overwritten(data, rng):
    start = rng.randrange(len(data))
    length = rng.choice((1, 4, 8, 32, 512))
    for at in range(start, min(len(data), start + length)):
        data[at] = rng.choice((0, 255, rng.randrange(256)))
    return data


def truncated(data, rng):
    return data[: rng.randrange(1, len(data))]


def write_tenx(path, legacy):
    counts = numpy.array(small_counts(), dtype="i4")
    n_cells, n_genes = counts.shape
    with h5py.File(path, "w") as file:
        group = file.create_group("GRCh38" if legacy else "matrix")
        cells, genes = numpy.nonzero(counts)
        group["data"] = counts[cells, genes]
        group["indices"] = genes.astype("i8")
        group["indptr"] = numpy.concatenate([[0], numpy.cumsum((counts > 0).sum(1))]).astype("i8")
        group["shape"] = numpy.array([n_genes, n_cells], dtype="i4")
        group["barcodes"] = numpy.array([f"AAAC{k}-1" for k in range(n_cells)], dtype="S12")
        names = numpy.array([f"g{k}" for k in range(n_genes)], dtype="S8")
        ids = numpy.array([f"ENSG{k:011}" for k in range(n_genes)], dtype="S15")
        if legacy:
            group["genes"], group["gene_names"] = ids, names
        else:
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            features["feature_type"] = numpy.array(["Gene Expression"] * n_genes, dtype="S15")
            features["genome"] = numpy.array(["GRCh38"] * n_genes, dtype="S6")


def write_loom(path):
    counts = numpy.array(small_counts(), dtype="f4").T
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=counts, chunks=(4, 8), compression="gzip")
        text = h5py.string_dtype()
        file.create_dataset("row_attrs/Gene", data=[f"g{k}" for k in range(len(counts))], dtype=text)
        file.create_dataset("col_attrs/CellID", data=[f"c{k}" for k in range(counts.shape[1])], dtype=text)
        file.create_group("layers")


class DamagedFiles(Case):
    def check(self, path, data, seed):
        rng = random.Random(seed)
        damage = rng.choice((flipped, flipped, overwritten, truncated))
        path.write_bytes(bytes(damage(bytearray(data), rng)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Everything is read, and carried over.
        done = self.run_program(
            "denoise", path, "-o", "out/o.h5ad", "--epochs", 0, "--min-cells", 0, "--n-top-genes", 0,
            "--drop-empty-cells", "--allow-non-integer", "--threads", 1, "--device", "cpu")  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        with self.subTest(path.name, seed=seed, damage=damage.__name__):
            self.assertIn(done.returncode, (SUCCESS, DATA, USAGE), done.err)
            self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, MOST_SECONDS)
            left = self.files()
            for name in left:
                (self.out / name).unlink()
            if "HDF5 crashes in it" in done.err:  # a temporary name may stay
                left = [name for name in left if not name.startswith(".o.h5ad.part-")]
            if done.returncode == SUCCESS:
                self.assertEqual(left, ["o.h5ad"])
            else:
                self.assertIn("maskclass: ", done.err)
                self.assertEqual(left, [])

    def check_all(self, name, data):
        for seed in range(N_FILES):
            self.check(self.folder / name, data, f"{name} {seed}")

    def test_h5ad(self):
        fixtures = sorted((SOURCE / "tests/io/fixtures").glob("*.h5ad"))
        self.assertTrue(fixtures)
        for fixture in fixtures:
            self.check_all(fixture.name, fixture.read_bytes())

    @needs_h5py
    def test_tenx(self):
        for legacy in (False, True):
            path = self.folder / f"{'legacy' if legacy else 'tenx'}.h5"
            write_tenx(path, legacy)
            self.check_all(path.name, path.read_bytes())

    @needs_h5py
    def test_loom(self):
        path = self.folder / "counts.loom"
        write_loom(path)
        self.check_all(path.name, path.read_bytes())


if __name__ == "__main__":
    unittest.main()
