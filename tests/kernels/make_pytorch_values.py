#!/usr/bin/env python3
"""Writes pytorch_values.txt: losses and gradients of MaskClass's network, computed by PyTorch's
autograd in float64 from the description of the method alone. Masks, noise, weights and data follow
from Philox4x32-10 written here in numpy, so the file also checks the random numbers.

    python3 make_pytorch_values.py > pytorch_values.txt      (PyTorch 1.13 or later, numpy)

Lines: `case <n_cells> <n_genes> <hidden> <latent> <gamma>`, then `loss <masked> <biozero>`, then for
each array in the order of kernels/parameters.h `gradient <size> <values...>`.
"""

import numpy as np
import torch

SEED = 0x123456789ABCDEF
WEIGHT_SEED = 5
EPOCH = 3
MASK_ZERO, MASK_NONZERO, NOISE = 0.25, 0.30, 0.2
W_BIO, W_NZ = 2.0, 1.0
PURPOSE = {"weights": 0, "mask": 1, "noise": 2, "simulation": 16}


def philox(counter, seed):
    """Philox4x32-10 (Salmon et al. 2011) of arrays of counters [..., 4]."""
    low = np.uint64(0xFFFFFFFF)
    c = [np.asarray(counter[..., k], dtype=np.uint64) for k in range(4)]
    key = [np.uint64(seed & 0xFFFFFFFF), np.uint64(seed >> 32)]
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * c[0]
        product1 = np.uint64(0xCD9E8D57) * c[2]
        c = [
            (product1 >> np.uint64(32)) ^ c[1] ^ key[0],
            product1 & low,
            (product0 >> np.uint64(32)) ^ c[3] ^ key[1],
            product0 & low,
        ]
        key = [(key[0] + np.uint64(0x9E3779B9)) & low, (key[1] + np.uint64(0xBB67AE85)) & low]
    return np.stack(c, axis=-1)


def random_bits(seed, purpose, epoch, cells, n):
    """[len(cells), n] words: counter (gene / 4, purpose, cell, epoch), word gene mod 4."""
    blocks = (n + 3) // 4
    counter = np.zeros((len(cells), blocks, 4), dtype=np.uint64)
    counter[..., 0] = np.arange(blocks)[None, :]
    counter[..., 1] = PURPOSE[purpose]
    counter[..., 2] = np.asarray(cells)[:, None]
    counter[..., 3] = epoch
    return philox(counter, seed).reshape(len(cells), blocks * 4)[:, :n]


def initial_weights(shape):
    """Uniform(-1/sqrt(fan_in), 1/sqrt(fan_in)); gains and shifts vary as the C++ test has them."""
    widths = [shape["n_genes"], shape["hidden"], shape["latent"], shape["hidden"], shape["n_genes"]]
    arrays = []
    for layer in range(4):
        n_in, n_out = widths[layer], widths[layer + 1]
        bits = random_bits(WEIGHT_SEED, "weights", 0, [layer], n_out * n_in + n_out)[0]
        unit = (bits >> np.uint64(8)).astype(np.float64) * 2.0**-24
        values = np.float32(1 / np.sqrt(n_in)) * (2 * unit - 1).astype(np.float32)
        arrays += [values[: n_out * n_in].reshape(n_out, n_in), values[n_out * n_in :]]
        if layer < 3:
            k = np.arange(n_out)
            arrays += [0.75 + 0.0625 * (k % 9), 0.03125 * (k % 7) - 0.09375]
    return [torch.tensor(np.asarray(a, dtype=np.float64), requires_grad=True) for a in arrays]


def made_up_data(n_cells, n_genes):
    """The data of made_up_data.h."""
    bits = random_bits(11, "simulation", 0, np.arange(n_cells), n_genes)
    zero = bits >= 1717986918
    scaled = np.where(zero, -1.0, (bits % np.uint64(513)).astype(np.float64) / 256 - 1)
    cell, gene = np.arange(n_cells)[:, None], np.arange(n_genes)[None, :]
    t = (cell % 9) / 4.0 - 1
    p = 0.25 + 0.03125 * (gene % 16) - 0.125 * t + 0.0625 * (2 * t * t - 1)
    p = np.clip(p, 0, 1) * (1 - 0.0625 * (cell % 5))
    return {
        "ids": 3 * np.arange(n_cells) + 1,
        "zero": zero,
        "scaled": scaled,
        "p": np.where(zero, p, 0),
        "high": 4.0 + gene % 8,
        "largest": 10.0 + gene % 50,
    }


def corrupt(data):
    n_cells, n_genes = data["scaled"].shape
    draws = random_bits(SEED, "mask", EPOCH, data["ids"], n_genes)
    probability = np.where(data["zero"], MASK_ZERO * data["p"], MASK_NONZERO)
    mask = draws < np.floor(probability * 2.0**32).astype(np.uint64)
    noise_bits = random_bits(SEED, "noise", EPOCH, data["ids"], n_genes)
    eta = NOISE * (noise_bits >> np.uint64(8)).astype(np.float64) * 2.0**-24
    noise = np.log2(1 + eta * data["largest"])
    noise = np.clip(noise, 0, data["high"]) * 2 / data["high"] - 1
    corrupted = np.where(mask, np.where(data["zero"], noise, 0.0), data["scaled"])
    weight = np.where(mask, np.where(data["zero"], W_BIO, W_NZ), 0.0)
    return torch.tensor(corrupted), torch.tensor(weight)


def network(x, arrays):
    for b in range(3):
        weight, bias, gain, shift = arrays[4 * b : 4 * b + 4]
        x = torch.nn.functional.linear(x, weight, bias)
        x = torch.nn.functional.layer_norm(x, x.shape[-1:], gain, shift, eps=1e-5)
        x = torch.nn.functional.silu(x)
    return torch.nn.functional.linear(x, arrays[12], arrays[13])


def main():
    for n_cells, n_genes, hidden, latent, gamma in [
        (6, 13, 8, 5, 1.0),
        (6, 13, 8, 5, 0.0),
        (1, 1, 4, 3, 1.0),
        (32, 30, 64, 32, 1.0),
    ]:
        arrays = initial_weights({"n_genes": n_genes, "hidden": hidden, "latent": latent})
        data = made_up_data(n_cells, n_genes)
        corrupted, weight = corrupt(data)
        p = torch.tensor(data["p"])
        square = (network(corrupted, arrays) - torch.tensor(data["scaled"])) ** 2
        zero = torch.zeros((), dtype=torch.float64)
        masked = (weight * square).sum() / weight.sum() if weight.sum() > 0 else zero
        biozero = (p * square).sum() / p.sum() if gamma > 0 and p.sum() > 0 else zero
        loss = masked + gamma * biozero
        if loss.requires_grad:
            loss.backward()
        print(f"case {n_cells} {n_genes} {hidden} {latent} {gamma}")
        print(f"loss {masked.item():.12g} {biozero.item():.12g}")
        for array in arrays:
            gradient = torch.zeros_like(array) if array.grad is None else array.grad
            values = " ".join(f"{v:.7g}" for v in gradient.flatten().tolist())
            print(f"gradient {gradient.numel()} {values}")


if __name__ == "__main__":
    main()
