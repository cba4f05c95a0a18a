#!/usr/bin/env python3
"""The denoising task of Open Problems in Single-Cell Analysis: molecular cross-validation.

    bench/openproblems.py DATA_DIR [--data pbmc3k_10x,...] [--seeds 1]
                          [--methods none,best:keep,best:replace,calibrated:keep,...]
                          [--peers VENV/bin/python]

Every molecule of a data set goes into the training counts with probability 0.9, else into the test
counts; the training counts are denoised. MSE: both normalised to 10,000 a cell, ln(1 + x). Poisson
loss: mean of `expected - test ln expected`, expected = denoised x (test molecules / training
molecules) (1e-6 where it is 0), so that the expectation, not the observation, is in the logarithm.
On the 1,000 most variable genes of the training counts, normalised over these. Needs nothing but
Python 3 and the program; `--peers` adds the methods of bench/peers, on the same genes.
"""

import gzip
import math
import pathlib
import random
import statistics
import subprocess

from maskclass_bench import is_not_counts, parser_of, print_table, read_npy, run_main

PEERS = ["magic", "alra", "dca_nb", "dca_zinb"]


def read_matrix(folder):
    """Rows by cell: [(gene, count)]; the number of genes."""
    with gzip.open(folder / "matrix.mtx.gz", "rt") as file:
        line = next(file)
        while line.startswith("%"):
            line = next(file)
        n_genes, n_cells, _ = map(int, line.split())
        cells = [[] for _ in range(n_cells)]
        for line in file:
            gene, cell, count = line.split()
            cells[int(cell) - 1].append((int(gene) - 1, int(float(count))))
    return cells, n_genes


def split(cells, share, seed):
    """Binomial thinning, molecule by molecule."""
    draw = random.Random(seed).random
    train, test = [], []
    for row in cells:
        kept = [(gene, count, sum(draw() < share for _ in range(count))) for gene, count in row]
        train.append([(gene, k) for gene, _, k in kept if k])
        test.append({gene: count - k for gene, count, k in kept if count > k})
    return train, test


def write_matrix(folder, cells, n_genes):
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wt", compresslevel=1) as file:
        file.write("%%MatrixMarket matrix coordinate integer general\n")
        file.write(f"{n_genes} {len(cells)} {sum(map(len, cells))}\n")
        for cell, row in enumerate(cells, 1):
            file.writelines(f"{gene + 1} {cell} {count}\n" for gene, count in row)
    with gzip.open(folder / "barcodes.tsv.gz", "wt") as file:
        file.writelines(f"cell{cell}\n" for cell in range(len(cells)))
    with gzip.open(folder / "features.tsv.gz", "wt") as file:
        file.writelines(f"g{gene}\tg{gene}\tGene Expression\n" for gene in range(n_genes))


def score(rows, cells, genes, test):
    """MSE and Poisson loss of denoised rows."""
    expected_sum = sum(map(sum, rows))
    observed = [[test[cell].get(gene, 0) for gene in genes] for cell in cells]
    to_test = sum(map(sum, observed)) / expected_sum
    squares = poisson = n = 0
    for expected, counts in zip(rows, observed):
        a = 1e4 / max(1e-12, sum(expected))
        b = 1e4 / max(1, sum(counts))
        for e, c in zip(expected, counts):
            squares += (math.log1p(a * e) - math.log1p(b * c)) ** 2
            e = max(1e-6, e * to_test)
            poisson += e - c * math.log(e)
            n += 1
    return squares / n, poisson / n


def main(program, arguments):
    rows = {method: [] for method in arguments.methods}
    names = []
    for folder in sorted(pathlib.Path(arguments.data_dir).iterdir()):
        if not (folder / "matrix.mtx.gz").exists() or (arguments.data and folder.name not in arguments.data):
            continue
        if is_not_counts(folder):
            continue
        names.append(folder.name)
        cells, n_genes = read_matrix(folder)
        train, test = split(cells, 0.9, 0)
        data = program.folder / f"thinned-{folder.name}"
        write_matrix(data, train, n_genes)

        def run_peer(method, seed):
            base = program.folder / f"{folder.name}-{method}-{seed}"
            out = pathlib.Path(f"{base}.npy")
            subprocess.run([arguments.peers, pathlib.Path(__file__).parent / "peers/denoise.py", method,
                            chosen_genes(), out, "--as-counts", "--seed", str(seed)], check=True)
            kept = [int(name[4:]) for name in pathlib.Path(f"{base}.cells.txt").read_text().split()]
            genes = [int(name[1:]) for name in pathlib.Path(f"{base}.genes.txt").read_text().split()]
            return method, score(read_npy(out), kept, genes, test)

        def chosen_genes():
            """The thinned counts of the genes that the program chooses; others are empty."""
            small = program.folder / f"chosen-{folder.name}"
            if not small.exists():
                out = program.denoise(data, f"{folder.name}-genes.npy", "--outputs", "counts",
                                      "--drop-empty-cells", "--epochs", 0)
                genes = set(int(name[1:]) for name in
                            out.with_suffix(".genes.txt").read_text().split())
                write_matrix(small, [[(gene, count) for gene, count in row if gene in genes]
                                     for row in train], n_genes)
            return small

        def run(job):
            method, seed = job
            if method in PEERS:
                return run_peer(method, seed)
            variant, _, observed = method.partition(":")
            options = ["--variant", variant, "--observed", observed, "--epochs", arguments.epochs]
            if method == "none":
                options = ["--epochs", 0]
            out = program.denoise(data, f"{folder.name}-{method.replace(':', '-')}-{seed}.npy",
                                  "--outputs", "counts", "--seed", seed, "--drop-empty-cells", *options)
            base = out.with_suffix("")
            kept = [int(name[4:]) for name in (base.parent / f"{base.name}.cells.txt").read_text().split()]
            genes = [int(name[1:]) for name in (base.parent / f"{base.name}.genes.txt").read_text().split()]
            values = read_npy(out)
            if method == "none":
                known = [dict(train[cell]) for cell in kept]
                values = [[row.get(gene, 0) for gene in genes] for row in known]
            out.unlink()
            return method, score(values, kept, genes, test)

        jobs = [(method, seed) for method in arguments.methods
                for seed in range(1 if method == "none" else arguments.seeds)]
        chosen_genes()
        results = program.in_parallel(run, jobs)
        for method in arguments.methods:
            of_method = [values for name, values in results if name == method]
            rows[method].append(" / ".join(f"{statistics.mean(v[k] for v in of_method):.4f}"
                                           for k in range(2)))
    print_table("MSE / Poisson loss", names, list(rows.items()))


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("data_dir")
    words = lambda text: text.split(",")
    parser.add_argument("--data", type=words)
    parser.add_argument("--methods", type=words, default=[
        "none", "balanced:keep", "balanced:replace", "best:keep", "best:replace", "calibrated:keep",
        "calibrated:replace", "calibrated:replicate"])
    parser.add_argument("--peers", help="a Python with what bench/peers/install.sh installs")
    parsed = parser.parse_args()
    if parsed.peers:
        parsed.methods += PEERS
    run_main(main, parsed)
