"""What the peers read and write: 10x directories in, .npy with names beside it out."""

import gzip

import numpy as np


def read_counts(folder):
    """Cells x genes, as float64; names of cells and genes."""
    with gzip.open(folder / "matrix.mtx.gz", "rt") as file:
        line = next(file)
        while line.startswith("%"):
            line = next(file)
        n_genes, n_cells, _ = map(int, line.split())
        entries = np.loadtxt(file).reshape(-1, 3)
    counts = np.zeros((n_cells, n_genes))
    counts[entries[:, 1].astype(int) - 1, entries[:, 0].astype(int) - 1] = entries[:, 2]
    names = [[line.split("\t")[0].strip() for line in gzip.open(folder / name, "rt")]
             for name in ("barcodes.tsv.gz", "features.tsv.gz")]
    return counts, names[0], names[1]


def write_matrix(path, values, cells, genes):
    np.save(path, np.ascontiguousarray(values, dtype="<f4"))
    path.with_suffix("").with_suffix(".cells.txt").write_text("\n".join(cells) + "\n")
    path.with_suffix("").with_suffix(".genes.txt").write_text("\n".join(genes) + "\n")
