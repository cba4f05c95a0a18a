"""scImpute (Li & Li 2018), a compact implementation from the paper: a gamma-normal mixture of each
gene in each group of cells says which values are dropouts; these are regressed on the other cells
of the group, with coefficients >= 0 from the genes that are safe. Groups are k-means of principal
components (the paper takes their number from the user: here from the silhouette, 2 to 8).
"""

import numpy as np

THRESHOLD = 0.5
ROUNDS = 100
PSEUDO = 1.01


def groups_of(values, seed):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

    components = PCA(min(20, min(values.shape) - 1), random_state=seed).fit_transform(values)
    tried = [KMeans(k, n_init=10, random_state=seed).fit_predict(components) for k in range(2, 9)]
    return max(tried, key=lambda labels: silhouette_score(components, labels))


def gamma_fit(values, weights):
    """Shape and rate at the largest weighted likelihood."""
    from scipy.special import digamma, polygamma

    mean = (weights * values).sum() / weights.sum()
    gap = np.log(mean) - (weights * np.log(values)).sum() / weights.sum()
    if not gap > 1e-8:
        return 1e4, 1e4 / mean
    shape = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(5):
        shape -= (np.log(shape) - digamma(shape) - gap) / (1 / shape - polygamma(1, shape))
    return min(shape, 1e4), min(shape, 1e4) / mean


def dropout_probability(values):
    """Of each of a gene's values in a group: the gamma component holds the dropouts."""
    from scipy.stats import gamma, norm

    low = np.log10(PSEUDO)
    at_low = values <= low + 1e-9
    if at_low.all() or not at_low.any():
        return np.where(at_low, 1.0, 0.0) if at_low.all() else np.zeros(len(values))
    share, shape, rate = at_low.mean(), 0.5, 1.0
    mean, deviation = values[~at_low].mean(), max(values[~at_low].std(), 1e-2)
    last = -np.inf
    for _ in range(ROUNDS):
        dropped = share * gamma.pdf(values, shape, scale=1 / rate)
        kept = (1 - share) * norm.pdf(values, mean, deviation)
        total = np.maximum(dropped + kept, 1e-300)
        probability = dropped / total
        likelihood = np.log(total).sum()
        if likelihood - last < 1e-4 * abs(likelihood):
            break
        last = likelihood
        share = np.clip(probability.mean(), 1e-4, 1 - 1e-4)
        weight = 1 - probability
        mean = (weight * values).sum() / max(weight.sum(), 1e-9)
        deviation = max(np.sqrt((weight * (values - mean) ** 2).sum() / max(weight.sum(), 1e-9)), 1e-2)
        if probability.sum() > 1e-6:
            shape, rate = gamma_fit(values, probability)
    return probability


def imputed_group(values):
    from scipy.optimize import nnls

    dropout = np.column_stack([dropout_probability(column) for column in values.T]) > THRESHOLD
    result = values.copy()
    for cell in range(len(values)):
        lost, safe = dropout[cell], ~dropout[cell]
        if not lost.any() or not safe.any() or len(values) < 3:
            continue
        others = np.delete(np.arange(len(values)), cell)
        coefficients, _ = nnls(values[others][:, safe].T, values[cell, safe], maxiter=30 * len(values))
        result[cell, lost] = coefficients @ values[others][:, lost]
    return result


def scimpute(counts, seed):
    """On log10(1.01 + count per million)."""
    library = counts.sum(1, keepdims=True)
    values = np.log10(counts * 1e6 / library + PSEUDO)
    groups = groups_of(values, seed)
    result = values.copy()
    for group in np.unique(groups):
        result[groups == group] = imputed_group(values[groups == group])
    return np.maximum(10 ** result - PSEUDO, 0) * library / 1e6
