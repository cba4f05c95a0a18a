#!/usr/bin/env python3
"""How long is the same step of training in PyTorch? Microseconds a step, and kernels a step.

    bench/framework/gpu_step.py [--device cuda|cpu] [--cells 5000] [--genes 1100] [--steps 500] [--compile]

The network, masks, loss and optimizer of MaskClass (docs/training-step.md) as one would write them
with PyTorch, everything on the device, nothing read back within the measured steps. Compare with the
time of `maskclass denoise --device cuda` for the same shape. --compile lets torch.compile fuse the
step. Exit code 77 where PyTorch, or the device, is not there."""

import argparse
import sys
import time

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(77)

HIDDEN, LATENT, BATCH = 64, 32, 32
MASK_ZERO, MASK_NONZERO, NOISE, W_ZERO, W_NONZERO, GAMMA = 0.01, 0.30, 0.2, 2.0, 1.0, 1.0


def network(n_genes):
    def block(n_in, n_out):
        return [torch.nn.Linear(n_in, n_out), torch.nn.LayerNorm(n_out), torch.nn.SiLU()]

    return torch.nn.Sequential(
        *block(n_genes, HIDDEN), *block(HIDDEN, LATENT), *block(LATENT, HIDDEN),
        torch.nn.Linear(HIDDEN, n_genes))  # fmt: skip


def made_up_data(n_cells, n_genes, zeros, device):
    """Scaled values of which a share is zero, biozero probabilities, and a scale of each gene."""
    scaled = torch.rand(n_cells, n_genes, device=device) * 2 - 1
    is_zero = torch.rand(n_cells, n_genes, device=device) < zeros
    scaled[is_zero] = -1
    biozero = torch.rand(n_cells, n_genes, device=device) * is_zero
    high = torch.rand(n_genes, device=device) * 5 + 2
    largest = torch.rand(n_genes, device=device) * 100 + 10
    return scaled, biozero, high, largest


def loss_of(model, scaled, biozero, high, largest):
    zero = scaled == -1
    masked = torch.rand_like(scaled) < torch.where(zero, MASK_ZERO * biozero, MASK_NONZERO)
    noise = torch.log2(1 + NOISE * torch.rand_like(scaled) * largest)
    noise = torch.minimum(noise, high) * 2 / high - 1
    corrupted = torch.where(masked, torch.where(zero, noise, 0.0), scaled)
    weight = masked * torch.where(zero, W_ZERO, W_NONZERO)
    square = (model(corrupted) - scaled) ** 2
    return (weight * square).sum() / weight.sum() + GAMMA * (biozero * square).sum() / biozero.sum()


def kernels_a_step(step, n_steps):
    """Counted by PyTorch's own profiler: whatever the GPU ran, copies and fills too."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for k in range(n_steps):
            step(k)
        torch.cuda.synchronize()
    on_gpu = torch.autograd.DeviceType.CUDA
    return sum(event.device_type == on_gpu for event in profile.events()) / n_steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--genes", type=int, default=1100)
    parser.add_argument("--zeros", type=float, default=0.6, help="share of zeros")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("skipped: PyTorch sees no GPU")
        sys.exit(77)

    torch.manual_seed(0)
    data = made_up_data(arguments.cells, arguments.genes, arguments.zeros, arguments.device)
    model = network(arguments.genes).to(arguments.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    order = torch.randperm(arguments.cells, device=arguments.device)
    batches = order[: arguments.cells // BATCH * BATCH].reshape(-1, BATCH)

    def forward(rows):
        return loss_of(model, data[0][rows], data[1][rows], data[2], data[3])

    if arguments.compile:
        forward = torch.compile(forward)

    def step(k):
        optimizer.zero_grad(set_to_none=True)
        forward(batches[k % len(batches)]).backward()
        optimizer.step()

    def wait():
        if arguments.device == "cuda":
            torch.cuda.synchronize()

    for k in range(20):
        step(k)
    wait()
    start = time.perf_counter()
    for k in range(arguments.steps):
        step(k)
    wait()
    microseconds = (time.perf_counter() - start) / arguments.steps * 1e6
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else "processor"
    print(f"PyTorch {torch.__version__}, {name}{', compiled' if arguments.compile else ''}: "
          f"{arguments.cells} cells x {arguments.genes} genes: {microseconds:.1f} us a step")  # fmt: skip
    if arguments.device == "cuda":
        print(f"kernels, copies and fills a step: {kernels_a_step(step, 20):.1f}")


if __name__ == "__main__":
    main()
