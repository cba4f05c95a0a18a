"""Opens what maskclass wrote in anndata and, where it is installed, scanpy, and runs the tutorial's
steps on the denoised layer; other formats hold the same values. Usage: open_results.py FOLDER...,
each with a.h5ad, the outputs a.*, t.*, m.* and folder/"""

import sys
from pathlib import Path

import anndata
import numpy
import pandas
import scipy.io

try:
    import scanpy
except ImportError:
    scanpy = None


def check(folder):
    data = anndata.read_h5ad(folder / "a.h5ad")
    for layer in ("maskclass", "denoised"):
        assert numpy.isfinite(data.layers[layer]).all()
    assert data.obsm["X_maskclass"].shape == (data.n_obs, 32)
    assert "maskclass_library_size" in data.obs and "gene_symbols" in data.var
    told = f"{folder.parent.name}: anndata {anndata.__version__}: {data.n_obs} x {data.n_vars}"
    if scanpy is None:
        return told
    for kind, layer in (("log2", "maskclass"), ("counts", "denoised")):
        tenx = scanpy.read_10x_h5(folder / f"a.{kind}.h5")
        matrix = scanpy.read_10x_mtx(folder / "folder" / kind, var_names="gene_ids", cache=False)
        for other in (tenx, matrix):
            assert list(other.obs_names) == list(data.obs_names)
            assert (other.X.toarray() == data.layers[layer]).all(), kind
        assert list(tenx.var["gene_ids"]) == list(data.var_names) == list(matrix.var_names)
        for name, separator in ((f"a.{kind}.csv", ","), (f"t.{kind}.tsv.gz", "\t")):
            table = pandas.read_csv(folder / name, sep=separator, index_col=0, float_precision="round_trip")
            assert list(table.index) == list(data.obs_names) and list(table.columns) == list(data.var_names)
            assert (table.to_numpy("float32") == data.layers[layer]).all(), name
        assert (numpy.load(folder / f"a.{kind}.npy") == data.layers[layer]).all()
        by_gene = scipy.io.mmread(folder / f"m.{kind}.mtx.gz").toarray()
        assert (by_gene.T.astype("float32") == data.layers[layer]).all()
    assert (numpy.load(folder / "a.latent.npy") == data.obsm["X_maskclass"]).all()
    n_neighbors = min(15, data.n_obs - 1)
    data.X = data.layers["maskclass"].copy()
    scanpy.pp.pca(data, n_comps=min(50, data.n_obs - 1, data.n_vars - 1))
    scanpy.pp.neighbors(data, n_neighbors=n_neighbors)
    scanpy.tl.umap(data)
    scanpy.tl.leiden(data, flavor="igraph", n_iterations=2, directed=False)
    scanpy.pp.neighbors(data, use_rep="X_maskclass", n_neighbors=n_neighbors)
    scanpy.tl.umap(data)
    return told + f", scanpy {scanpy.__version__}: {data.obs['leiden'].nunique()} clusters"


for name in sys.argv[1:]:
    print(check(Path(name)), flush=True)
