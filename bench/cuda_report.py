#!/usr/bin/env python3
"""Counts what the CUDA kernels ask of a GPU, without one, and writes it into docs/CUDA.md.

    cmake --preset cuda-on-cpu
    cmake --build --preset cuda-on-cpu --target bench_cuda_step bench_cuda_pipeline
    python3 bench/cuda_report.py build/cuda-on-cpu [--pytorch PYTHON] [--no-resources]

Runs bench_cuda_step under cuda-on-cpu's counters for epochs of two lengths: the difference is a
step, free of what a launch does once. Registers and spills come from ptxas, for every architecture
of the `cuda` preset. PYTHON is an interpreter that has torch; without it, and with --no-resources,
the parts that need them stay as they are."""

import argparse
import json
import pathlib
import re
import resource
import subprocess

from cuda_counts.model import model_table, slices_table
from cuda_counts.pipeline import pipeline_table
from cuda_counts.resources import ARCHITECTURES, SOURCES, spills_text, training_table
from cuda_counts.step import (
    SLICES, TRUNK_BLOCKS, a_step, accesses_table, counts_table, dynamic_shared,
    goals_table)  # fmt: skip
from page import CUDA, get, put, table

BENCH = pathlib.Path(__file__).resolve().parent


def pytorch_operations(python):
    """Writes the table of PyTorch's operations a step, where `python` is not None; returns how many
    the fewest are, from that table."""
    if python is None:
        return int(re.search(r"\| fused \| (\d+)", get(CUDA, "pytorch"))[1])
    counted = json.loads(
        subprocess.run([python, BENCH / "pytorch_step_operations.py"], check=True,
                       capture_output=True, text=True).stdout)  # fmt: skip
    put(CUDA, "pytorch", table(
        ["optimizer", "operations a step", "of them the optimizer's"],
        [[name, str(counted[name]["operations"]), str(counted[name]["of the optimizer"])]
         for name in ("foreach", "fused")]) + "\n\nPyTorch %s." % counted["torch"])  # fmt: skip
    return counted["fused"]["operations"]


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("build", type=pathlib.Path, help="the build folder of preset cuda-on-cpu")
    parser.add_argument("--pytorch", help="a Python interpreter that has torch")
    parser.add_argument("--no-resources", action="store_true", help="leave the registers alone")
    options = parser.parse_args()
    build = options.build.resolve()
    steps = {driver: a_step(build, driver) for driver in ("graph", "persistent")}
    put(CUDA, "goals", goals_table(steps))
    put(CUDA, "accesses", accesses_table(steps))
    tf32 = {driver + ", tf32": a_step(build, driver, "tf32") for driver in steps}
    put(CUDA, "counts", counts_table(steps | tf32))
    # A GPU with too few multiprocessors for a slice each.
    few = -(-SLICES // 2) + TRUNK_BLOCKS
    two = a_step(build, "persistent", CUDA_ON_CPU_SMS=str(few))
    put(CUDA, "slices", slices_table(steps["graph"], {1: steps["persistent"], 2: two}))
    put(CUDA, "model", model_table(steps, pytorch_operations(options.pytorch)))
    put(CUDA, "pipeline", pipeline_table(build))
    if not options.no_resources:
        dynamic = dynamic_shared(build)
        started = children_seconds()
        put(CUDA, "resources", training_table(dynamic))
        put(CUDA, "spills", spills_text())
        put(CUDA, "build", "nvcc took %.0f s of processor time for the %d `.cu` files and %d architectures."
            % (children_seconds() - started, len(SOURCES), len(ARCHITECTURES)))  # fmt: skip


if __name__ == "__main__":
    main()
