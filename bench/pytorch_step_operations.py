#!/usr/bin/env python3
"""How many operations is one training step in PyTorch? Counted from the list of ATen operations that
a step dispatches, without views and without bare allocations: on a GPU each is at least one launch.

    pytorch_step_operations.py        needs torch; its build for processors will do

The step is that of the paper, written as one would in PyTorch: masks and noise by torch.rand, the
network of torch.nn modules, torch.optim.Adam once as it is on a GPU by default (foreach) and once
fused."""
import collections
import json

import torch
from torch.utils._python_dispatch import TorchDispatchMode

N_GENES, HIDDEN, LATENT, BATCH = 1100, 64, 32, 32


class Operations(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.counts = collections.Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        views = any(r.alias_info is not None and not r.alias_info.is_write
                    for r in func._schema.returns)
        name = func._schema.name
        if name.startswith('aten::') and not views and not name.startswith(
                ('aten::empty', 'aten::_local_scalar')):
            self.counts[name] += 1
        return result


def block(n_in, n_out):
    return [torch.nn.Linear(n_in, n_out), torch.nn.LayerNorm(n_out), torch.nn.SiLU()]


def count(**adam):
    torch.manual_seed(0)
    network = torch.nn.Sequential(*block(N_GENES, HIDDEN), *block(HIDDEN, LATENT),
                                  *block(LATENT, HIDDEN), torch.nn.Linear(HIDDEN, N_GENES))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, **adam)
    scaled = torch.rand(640, N_GENES) * 2 - 1
    is_zero = scaled < 0.2
    biozero = torch.rand(640, N_GENES) * is_zero
    noise_scale = torch.rand(N_GENES)

    def step(rows):
        target, zero, p = scaled[rows], is_zero[rows], biozero[rows]
        masked = torch.rand(BATCH, N_GENES) < torch.where(zero, 0.01 * p, 0.3)
        noise = torch.log2(1 + torch.rand(BATCH, N_GENES) * 0.2 * noise_scale)
        corrupted = torch.where(masked, torch.where(zero, noise, 0.0), target)
        residual = (network(corrupted) - target) ** 2
        weight = torch.where(zero, 2.0, 1.0) * masked
        loss = (weight * residual).sum() / weight.sum() + (p * residual).sum() / p.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    rows = torch.arange(BATCH)
    step(rows)  # the optimizer makes its state
    with Operations() as operations:
        step(rows)
    return operations.counts


if __name__ == '__main__':
    result = {'torch': torch.__version__}
    for name, adam in {'foreach': {'foreach': True}, 'fused': {'fused': True}}.items():
        counts = count(**adam)
        optimizer = sum(n for op, n in counts.items() if 'foreach' in op or 'fused' in op)
        result[name] = {'operations': sum(counts.values()), 'of the optimizer': optimizer,
                        'list': dict(sorted(counts.items()))}
    print(json.dumps(result, indent=1))
