#!/usr/bin/env python3
"""How long is a step of training in PyTorch, beside ours, in one run?

    python3 bench/framework/training_step.py [--threads 2] [--rounds 9] [--gamma 1]
                                             [--program build/release/bench/bench_training_step]

The same network, loss, mask rates and made-up data (5,000 cells x 1,100 genes, 60 % zeros, batch
32), as PyTorch's users write it (eager, Adam as it comes) and as its experts do (torch.compile,
fused Adam), denormals flushed. What does not change is prepared outside of the step: dense scaled
values, probabilities, thresholds. First, the loss of cells 0 to 31 at the same weights and the same
masks must be ours to 1e-5. Then all take turns, some steps each, and the fastest is the peer.
Needs PyTorch 2 and numpy.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/kernels"))
import make_pytorch_values as method  # noqa: E402

N_CELLS, N_GENES, BATCH = 5000, 1100, 32
MASK_ZERO, MASK_NONZERO, NOISE = 0.01, 0.30, 0.2
STEPS_IN_TURN = 40


def initial_network():
    """Gains 1 and shifts 0, seed 0, as the program starts."""
    method.WEIGHT_SEED = 0
    arrays = method.initial_weights({"n_genes": N_GENES, "hidden": 64, "latent": 32})
    arrays = [a.detach().to(torch.float32).clone() for a in arrays]
    for block in range(3):
        arrays[4 * block + 2].fill_(1)
        arrays[4 * block + 3].fill_(0)
    return [a.requires_grad_() for a in arrays]


def loss_of(output, target, weight, p, gamma):
    square = (output - target) ** 2
    masked = (weight * square).sum() / weight.sum()
    biozero = (p * square).sum() / p.sum() if gamma else torch.zeros(())
    return masked, biozero


class Data:
    def __init__(self):
        made_up = method.made_up_data(N_CELLS, N_GENES)
        self.made_up = made_up
        as_tensor = lambda a: torch.tensor(np.asarray(a), dtype=torch.float32)  # noqa: E731
        self.scaled = as_tensor(made_up["scaled"])
        self.p = as_tensor(made_up["p"])
        zero = torch.tensor(made_up["zero"])
        self.threshold = torch.where(zero, MASK_ZERO * self.p, torch.tensor(MASK_NONZERO))
        self.weight = torch.where(zero, 2.0, 1.0)
        self.high = as_tensor(made_up["high"])[0]
        self.largest = as_tensor(made_up["largest"])[0]
        self.zero = zero


def first_batch_loss(data, gamma):
    """With the program's own masks, made by Philox in numpy."""
    made_up = {k: v[:BATCH] if len(np.shape(v)) and np.shape(v)[0] == N_CELLS else v
               for k, v in data.made_up.items()}
    method.SEED, method.EPOCH = 0, 0
    method.MASK_ZERO, method.MASK_NONZERO, method.NOISE = MASK_ZERO, MASK_NONZERO, NOISE
    corrupted, weight = method.corrupt(made_up)
    output = method.network(corrupted.float(), initial_network())
    masked, biozero = loss_of(output, data.scaled[:BATCH], weight.float(), data.p[:BATCH], gamma)
    return masked.item(), biozero.item()


class Peer:
    def __init__(self, name, data, gamma, compiled, fused):
        self.name, self.data = name, data
        arrays = initial_network()
        self.optimizer = torch.optim.Adam(arrays, lr=1e-4, **({"fused": True} if fused else {}))
        self.rows = torch.randperm(N_CELLS)
        self.at = 0

        def loss(rows):
            scaled, zero = data.scaled[rows], data.zero[rows]
            mask = torch.rand(scaled.shape) < data.threshold[rows]
            noise = torch.log2(1 + NOISE * torch.rand(scaled.shape) * data.largest)
            noise = noise.clamp(max=data.high) * (2 / data.high) - 1
            corrupted = torch.where(mask, torch.where(zero, noise, 0.0), scaled)
            weight = torch.where(mask, data.weight[rows], 0.0)
            output = method.network(corrupted, arrays)
            masked, biozero = loss_of(output, scaled, weight, data.p[rows], gamma)
            return masked + gamma * biozero

        self.loss = torch.compile(loss) if compiled else loss

    def step(self):
        if self.at + BATCH > N_CELLS:
            self.rows, self.at = torch.randperm(N_CELLS), 0
        rows = self.rows[self.at : self.at + BATCH]
        self.at += BATCH
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(rows).backward()
        self.optimizer.step()

    def turn(self):
        """Microseconds a step: the median of a turn, and its best step."""
        times = []
        for _ in range(STEPS_IN_TURN):
            start = time.perf_counter()
            self.step()
            times.append((time.perf_counter() - start) * 1e6)
        return statistics.median(times), min(times)


def our_turn(program, threads, gamma):
    text = subprocess.run([program, str(N_CELLS), str(N_GENES), "60", str(gamma), "2", str(threads)],
                          check=True, capture_output=True, text=True).stdout
    loss = [float(x) for x in re.search(r"loss (\S+) (\S+)", text).groups()]
    best, median = (float(x) for x in re.search(r"best ([\d.]+) us, median ([\d.]+)", text).groups())
    return loss, median, best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--gamma", type=int, default=1, choices=[0, 1])
    parser.add_argument("--program", default=str(ROOT / "build/release/bench/bench_training_step"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    data = Data()
    ours = our_turn(options.program, options.threads, options.gamma)[0]
    theirs = first_batch_loss(data, options.gamma)
    for our, their in zip(ours, theirs):
        if abs(our - their) > 1e-5 * max(abs(their), 1e-3):
            sys.exit(f"the losses differ: ours {ours}, PyTorch's {theirs}")
    print(f"PyTorch {torch.__version__}, {options.threads} threads, gamma {options.gamma}; "
          f"first batch's loss ours {ours}, PyTorch's {theirs}")

    peers = [Peer("eager, Adam", data, options.gamma, False, False),
             Peer("eager, fused Adam", data, options.gamma, False, True),
             Peer("compiled, Adam", data, options.gamma, True, False),
             Peer("compiled, fused Adam", data, options.gamma, True, True)]
    for peer in peers:  # compilation, first allocations
        for _ in range(10):
            peer.step()
    medians = {name: [] for name in ["MaskClass"] + [peer.name for peer in peers]}
    bests = {name: [] for name in medians}
    for _ in range(options.rounds):
        _, median, best = our_turn(options.program, options.threads, options.gamma)
        medians["MaskClass"].append(median)
        bests["MaskClass"].append(best)
        for peer in peers:
            median, best = peer.turn()
            medians[peer.name].append(median)
            bests[peer.name].append(best)
    our_median = statistics.median(medians["MaskClass"])
    our_best = min(bests["MaskClass"])
    for name in medians:
        median, best = statistics.median(medians[name]), min(bests[name])
        print(f"{name:22s} median of {options.rounds} turns {median:8.1f} us ({median / our_median:5.1f} x), "
              f"best step {best:8.1f} us ({best / our_best:5.1f} x)")


if __name__ == "__main__":
    main()
