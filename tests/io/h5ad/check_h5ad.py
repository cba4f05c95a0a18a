"""Checks with anndata a file that the tests wrote.

Usage: check_h5ad.py result FILE [SOURCE MATRIX] | counts FILE | opens FILE
"""

import sys
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

import fixture_values as values

warnings.filterwarnings("ignore")
OURS_IN_OBS = ["maskclass_library_size"]
OURS_IN_VAR = ["highly_variable", "maskclass_rank", "maskclass_denoised"]


def same_frame(carried, source, ours, names):
    """The source's columns, in its order, then ours."""
    assert list(carried.index) == names, list(carried.index)[:3]
    kept = source.drop(columns=ours, errors="ignore")
    assert list(carried.columns) == list(kept.columns) + ours, list(carried.columns)
    assert carried.index.name == source.index.name
    for column in kept.columns:
        pd.testing.assert_series_equal(carried[column], kept[column], check_exact=True)


def check_result(path, source=None, matrix=None):
    result = ad.read_h5ad(path)
    cells = [cell for cell in range(values.N_CELLS) if cell % 3 != 1]
    genes = [gene for gene in range(values.N_GENES) if gene % 4 != 2]
    cell_names = [values.cell_names()[cell] for cell in cells]
    gene_names = [values.gene_names()[gene] for gene in genes]

    assert sp.issparse(result.X) and result.X.format == "csr" and result.X.dtype == "float32"
    assert result.X.has_canonical_format
    np.testing.assert_array_equal(result.X.toarray(), values.counts()[np.ix_(cells, genes)])
    log2, denoised, biozero, latent = values.blocks(len(cells), len(genes), 3)
    assert sorted(result.layers) == ["biozero", "denoised", "maskclass"], list(result.layers)
    for name, expected in (("maskclass", log2), ("denoised", denoised), ("biozero", biozero)):
        assert result.layers[name].dtype == "float32"
        np.testing.assert_array_equal(result.layers[name], expected)
    np.testing.assert_array_equal(result.obsm["X_maskclass"], latent)

    np.testing.assert_array_equal(result.obs["maskclass_library_size"], [100.5 + cell for cell in cells])
    assert result.var["highly_variable"].dtype == bool
    assert list(result.var["highly_variable"]) == [gene % 3 == 0 for gene in genes]
    assert list(result.var["maskclass_denoised"]) == [gene % 2 == 0 for gene in genes]
    ranks = [gene / 3 if gene % 3 == 0 else np.nan for gene in genes]
    np.testing.assert_array_equal(result.var["maskclass_rank"], np.float32(ranks))

    uns = result.uns["maskclass"]
    assert uns["version"] == "0.1.0" and uns["name"] == "α" and uns["layer"] == ""
    assert uns["epochs"] == 300 and uns["lr"] == 0.0001 and bool(uns["all_genes"]) is True
    assert int(uns["seed"]) == 2**64 - 1
    assert "nothing" not in uns
    # X was not the counts: it has other genes, and is replaced.
    assert list(uns.get("not_carried", [])) == (["X"] if matrix == "raw/X" else [])
    np.testing.assert_array_equal(uns["history"]["loss"], [0.5, 0.25, 0.125])
    np.testing.assert_array_equal(uns["history"]["mask_loss"], [1, 2, 3])

    if source is None:
        assert list(result.obs_names) == cell_names and list(result.var_names) == gene_names
        assert list(result.obs.columns) == OURS_IN_OBS
        assert list(result.var["gene_symbols"].astype(str)) == [values.symbols()[gene] for gene in genes]
        return
    original = ad.read_h5ad(source)
    var = original.raw.var if matrix == "raw/X" else original.var
    same_frame(result.obs, original.obs.iloc[cells], OURS_IN_OBS, cell_names)
    same_frame(result.var, var.iloc[genes], OURS_IN_VAR, gene_names)
    result[1:5, ::2].copy()  # what a user does first


def check_counts(path):
    counts = ad.read_h5ad(path)
    np.testing.assert_array_equal(counts.X.toarray(), values.counts())
    assert list(counts.obs_names) == values.cell_names()
    assert list(counts.var_names) == values.gene_names()
    assert list(counts.var["gene_symbols"].astype(str)) == values.symbols()
    assert list(counts.obs["group"].astype(str)) == [f"group{k % 3}" for k in range(values.N_CELLS)]


{"result": check_result, "counts": check_counts, "opens": ad.read_h5ad}[sys.argv[1]](*sys.argv[2:])
