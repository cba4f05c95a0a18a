"""ccImpute (Malec, Kurban & Dalkilic 2022), a compact implementation from the paper: k-means of
eigenvectors of the cells' distances, a consensus of many, and zeros that the cell's likes do not
share replaced by their mean. Clusters are chosen as in SC3, by the Tracy-Widom bound.
"""

import numpy as np

LEAST_CONSENSUS = 0.65
LOWEST, HIGHEST, MOST_CLUSTERINGS = 0.04, 0.07, 15
ROUNDS = 50


def number_of_clusters(values):
    """Eigenvalues of the cells' covariance above what noise alone would have."""
    n_genes, n_cells = values.shape[1], values.shape[0]
    standard = (values - values.mean(1, keepdims=True)) / values.std(1, ddof=1, keepdims=True)
    roots = np.sqrt(n_genes - 1) + np.sqrt(n_cells)
    sigma = roots * (1 / np.sqrt(n_genes - 1) + 1 / np.sqrt(n_cells)) ** (1 / 3)
    eigenvalues = np.linalg.eigvalsh(standard.T @ standard)
    return max(2, int((eigenvalues > roots ** 2 + 3.273 * sigma).sum()))


def eigenvectors(values, n_vectors, seed):
    """Of the matrix of 1 - Spearman correlation, genes weighted by their variance."""
    from scipy.sparse.linalg import eigsh
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=1)
    weights = values.var(0)
    weights /= weights.sum()
    centred = (ranks - (ranks * weights).sum(1, keepdims=True)) * np.sqrt(weights)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    distance = 1 - centred @ centred.T
    distance -= distance.mean(0)
    distance -= distance.mean(1, keepdims=True)
    start = np.random.default_rng(seed).standard_normal(len(distance))
    found, vectors = eigsh(distance, n_vectors, which="LM", v0=start)
    return vectors[:, np.argsort(-np.abs(found))]


def consensus_of(values, seed):
    from sklearn.cluster import KMeans

    n_cells = len(values)
    sizes = range(max(1, int(LOWEST * n_cells)), max(1, int(np.ceil(HIGHEST * n_cells))) + 1)
    if len(sizes) > MOST_CLUSTERINGS:
        sizes = sorted(np.random.default_rng(seed).choice(sizes, MOST_CLUSTERINGS, replace=False))
    n_clusters = number_of_clusters(values)
    vectors = eigenvectors(values, max(sizes), seed)
    consensus = np.zeros((n_cells, n_cells))
    for size in sizes:
        labels = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(vectors[:, :size])
        consensus += labels[:, None] == labels
    consensus /= len(sizes)
    consensus[consensus < LEAST_CONSENSUS] = 0
    np.fill_diagonal(consensus, 0)
    return consensus / np.maximum(consensus.sum(1, keepdims=True), 1e-12)


def ccimpute(counts, seed):
    """On ln(1 + count at the median library)."""
    library = counts.sum(1, keepdims=True)
    scale = np.median(library) / library
    values = np.log1p(counts * scale)
    weights = consensus_of(values, seed)
    # A zero is a dropout where those like the cell have a count rather than none.
    dropped = (values == 0) & (weights @ np.where(values > 0, 1.0, -1.0) > 0)
    # Values at dropouts are the mean of the others, themselves included: a linear system, solved by
    # going round.
    for _ in range(ROUNDS):
        before = values[dropped]
        values = np.where(dropped, weights @ values, values)
        if not dropped.any() or np.abs(values[dropped] - before).max() < 1e-3:
            break
    return np.expm1(values) / scale
