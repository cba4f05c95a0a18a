"""AutoClass (Li, Brouwer & Luo 2022), a compact implementation from the paper with its defaults:
an autoencoder whose bottleneck also has to tell clusters apart; means over numbers of clusters.
"""

import numpy as np

HIDDEN = 128
CLUSTERS = (8, 9, 10)
COMPONENTS = 15
CLASSIFIER_WEIGHT = 0.9
DROPOUT = 0.1
EPOCHS, PATIENCE, DECAY_PATIENCE = 300, 30, 15


def network_of(torch, n_genes, n_clusters):
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.Linear(n_genes, HIDDEN)
            self.decoder = torch.nn.Linear(HIDDEN, n_genes)
            self.classifier = torch.nn.Linear(HIDDEN, n_clusters)
            self.dropout = torch.nn.Dropout(DROPOUT)
            for layer in (self.encoder, self.decoder, self.classifier):
                torch.nn.init.xavier_uniform_(layer.weight)
                torch.nn.init.zeros_(layer.bias)

        def forward(self, x):
            hidden = self.dropout(torch.relu(self.encoder(x)))
            return torch.nn.functional.softplus(self.decoder(hidden)), self.classifier(hidden)

    return Network()


def reconstructed(torch, values, labels, n_clusters, random):
    """Values of the network at the lowest loss of a tenth of the cells."""
    x = torch.tensor(values).float()
    y = torch.tensor(labels).long()
    order = random.permutation(len(values))
    validation, training = order[:len(order) // 10], order[len(order) // 10:]
    network = network_of(torch, values.shape[1], n_clusters)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def loss_of(rows):
        output, logits = network(x[rows])
        return ((1 - CLASSIFIER_WEIGHT) * torch.nn.functional.mse_loss(output, x[rows])
                + CLASSIFIER_WEIGHT * torch.nn.functional.cross_entropy(logits, y[rows]))

    best, kept, since = np.inf, None, 0
    for _ in range(EPOCHS):
        network.train()
        random.shuffle(training)
        for first in range(0, len(training), 32):
            optimizer.zero_grad()
            loss_of(training[first:first + 32]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            loss = float(loss_of(validation))
        since += 1
        if loss < best:
            best, since = loss, 0
            kept = {name: value.clone() for name, value in network.state_dict().items()}
        if since and since % DECAY_PATIENCE == 0:
            for group in optimizer.param_groups:
                group["lr"] *= 0.1
        if since >= PATIENCE:
            break
    network.load_state_dict(kept)
    with torch.no_grad():
        return network(x)[0].numpy().astype(float)


def autoclass(counts, seed):
    """On ln(1 + count at the median library)."""
    import torch
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    library = counts.sum(1, keepdims=True)
    scale = np.median(library) / library
    values = np.log1p(counts * scale)
    components = PCA(min(COMPONENTS, min(values.shape) - 1), random_state=seed).fit_transform(values)
    results = []
    for n_clusters in CLUSTERS:
        labels = KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(components)
        results.append(reconstructed(torch, values, labels, n_clusters, random))
    return np.expm1(np.mean(results, axis=0)) / scale
