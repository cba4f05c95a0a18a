"""Denoising methods of others, on counts (cells x genes) of genes with a count in 3 cells or more.

Each returns denoised counts at the cells' own library sizes. `magic` is the published package.
The others are compact implementations from the papers, not the packages: ALRA after Linderman et al.
2022, DCA after Eraslan et al. 2019 with its default settings; AutoClass, ccImpute and scImpute have
files of their own.
"""

import numpy as np
from autoclass import autoclass
from ccimpute import ccimpute
from scimpute import scimpute


def none(counts, seed):
    return counts


def magic(counts, seed):
    """Square roots of normalised counts, the package's defaults, all genes."""
    import magic as package

    library = counts.sum(1, keepdims=True)
    scale = np.median(library) / library
    operator = package.MAGIC(random_state=seed, verbose=0, solver="exact")
    roots = np.asarray(operator.fit_transform(np.sqrt(counts * scale), genes="all_genes"))
    return np.maximum(roots, 0) ** 2 / scale


def alra(counts, seed):
    """Low rank of ln(1 + count per 10,000), a threshold a gene, and the gene's scale restored."""
    library = counts.sum(1, keepdims=True)
    values = np.log1p(1e4 * counts / library)
    random = np.random.default_rng(seed)
    most = min(100, min(values.shape) - 1)
    # Randomised decomposition, two power iterations.
    basis = values @ random.standard_normal((values.shape[1], most + 10))
    for _ in range(2):
        basis = values @ (values.T @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    left, singular, right = np.linalg.svd(basis.T @ values, full_matrices=False)
    singular = singular[:most]
    # The rank: the last gap between singular values that stands out from those of the noise.
    gaps = singular[:-1] - singular[1:]
    noise = gaps[int(0.8 * most) - 1:]
    rank = 1 + int(np.flatnonzero(gaps > noise.mean() + 6 * noise.std(ddof=1)).max())
    low = (basis @ left[:, :rank]) * singular[:rank] @ right[:rank]
    low = np.where(low > np.abs(np.quantile(low, 0.001, axis=0)), low, 0)
    result = low.copy()
    for gene in range(values.shape[1]):
        new, old = low[:, gene] > 0, values[:, gene] > 0
        if new.sum() > 1 and old.sum() > 1 and low[new, gene].std() > 0:
            factor = values[old, gene].std(ddof=1) / low[new, gene].std(ddof=1)
            shift = values[old, gene].mean() - factor * low[new, gene].mean()
            result[new, gene] = factor * low[new, gene] + shift
    result = np.maximum(result, 0)
    result = np.where((result == 0) & (values > 0), values, result)
    return np.expm1(result) * library / 1e4


def dca(counts, seed, zero_inflated):
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    library = counts.sum(1, keepdims=True)
    factor = library / np.median(library)
    logs = np.log1p(counts / factor)
    inputs = torch.tensor((logs - logs.mean(0)) / np.maximum(logs.std(0, ddof=1), 1e-8)).float()
    target = torch.tensor(counts).float()
    factors = torch.tensor(factor).float()
    n_cells, n_genes = counts.shape

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            layers, width = [], n_genes
            for size in (64, 32, 64):
                linear = torch.nn.Linear(width, size)
                torch.nn.init.xavier_uniform_(linear.weight)
                torch.nn.init.zeros_(linear.bias)
                layers += [linear, torch.nn.BatchNorm1d(size, affine=False, eps=1e-3), torch.nn.ReLU()]
                width = size
            self.body = torch.nn.Sequential(*layers)
            self.heads = torch.nn.ModuleList(torch.nn.Linear(width, n_genes) for _ in range(3))
            for head in self.heads:
                torch.nn.init.xavier_uniform_(head.weight)
                torch.nn.init.zeros_(head.bias)

        def forward(self, x):
            hidden = self.body(x)
            mean = torch.exp(self.heads[0](hidden)).clamp(1e-5, 1e6)
            dispersion = torch.nn.functional.softplus(self.heads[1](hidden)).clamp(1e-4, 1e4)
            return mean, dispersion, torch.sigmoid(self.heads[2](hidden))

    def loss_of(network, rows):
        mean, theta, drop = network(inputs[rows])
        mean = mean * factors[rows]
        y, eps = target[rows], 1e-10
        nb = (torch.lgamma(theta + eps) + torch.lgamma(y + 1) - torch.lgamma(y + theta + eps)
              + (theta + y) * torch.log1p(mean / (theta + eps))
              + y * (torch.log(theta + eps) - torch.log(mean + eps)))
        if not zero_inflated:
            return nb.mean()
        at_zero = -torch.log(drop + (1 - drop) * (theta / (theta + mean + eps)) ** theta + eps)
        return torch.where(y < 1e-8, at_zero, nb - torch.log(1 - drop + eps)).mean()

    order = random.permutation(n_cells)
    validation, training = order[:n_cells // 10], order[n_cells // 10:]
    network = Network()
    optimizer = torch.optim.RMSprop(network.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    best, since, since_decay = np.inf, 0, 0
    for _ in range(300):
        network.train()
        random.shuffle(training)
        for first in range(0, len(training), 32):
            rows = training[first:first + 32]
            if len(rows) < 2:
                continue
            optimizer.zero_grad()
            loss_of(network, rows).backward()
            torch.nn.utils.clip_grad_value_(network.parameters(), 5.0)
            optimizer.step()
        network.eval()
        with torch.no_grad():
            loss = float(loss_of(network, validation))
        if loss < best:
            best, since, since_decay = loss, 0, 0
        else:
            since, since_decay = since + 1, since_decay + 1
        if since >= 15:
            break
        if since_decay >= 10:
            since_decay = 0
            for group in optimizer.param_groups:
                group["lr"] *= 0.1
    network.eval()
    with torch.no_grad():
        return (network(inputs)[0] * factors).numpy().astype(float)


def dca_zinb(counts, seed):
    return dca(counts, seed, True)


def dca_nb(counts, seed):
    return dca(counts, seed, False)


METHODS = {"none": none, "magic": magic, "alra": alra, "dca_zinb": dca_zinb, "dca_nb": dca_nb,
           "autoclass": autoclass, "ccimpute": ccimpute, "scimpute": scimpute}
