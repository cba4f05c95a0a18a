"""The values of the fixtures, by formulas that the C++ tests have too (h5ad_fixtures.h)."""

import numpy as np

N_CELLS = 41
N_GENES = 29


def counts():
    cell, gene = np.meshgrid(np.arange(N_CELLS), np.arange(N_GENES), indexing="ij")
    values = np.maximum(0, (cell * cell + 3 * gene + cell * gene) % 7 - 3)
    values[0, 0] = 2**24  # the largest count that float32 holds with all below it
    values[7, :] = 0  # a cell and a gene without counts
    values[:, 5] = 0
    return values


def cell_names():
    return [f"cell-α{cell}" for cell in range(N_CELLS)]


def gene_names():
    return [f"gene {gene}" for gene in range(N_GENES)]


def symbols():
    return [f"S{gene % 9}" for gene in range(N_GENES)]


def blocks(n_cells, n_genes, latent_width):
    """log2, counts, biozero and latent as h5ad_writer_test.cpp writes them."""
    cell, gene = np.meshgrid(np.arange(n_cells), np.arange(n_genes), indexing="ij")
    cell_of_latent, k = np.meshgrid(np.arange(n_cells), np.arange(latent_width), indexing="ij")
    return (
        (cell + gene / 64).astype("float32"),
        (2 * cell + gene / 32).astype("float32"),
        ((cell * gene % 5) / 8).astype("float32"),
        (cell_of_latent - k / 4).astype("float32"),
    )
