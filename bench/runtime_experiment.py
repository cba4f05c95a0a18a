#!/usr/bin/env python3
"""The paper's runtime experiment (Section 2.8 ii): seconds of a whole job by the number of cells.

    bench/runtime_experiment.py [--cells 1000,5000,...] [--scenarios equal,unequal,rare,batch]
                                [--peers PYTHON] [--methods magic,dca_zinb] [--limit 900]
                                [--threads 2] [--epochs 300] [--folder FOLDER]

Times `maskclass denoise` from counts to log2 values, 300 epochs, defaults else, and beside it the
peers of bench/peers on the first scenario, each up to where it takes longer than --limit seconds.
PYTHON is the interpreter that bench/peers/install.sh made; without it there are no peers. Simulated
counts are made first and not timed. Writes the table to docs/PERFORMANCE.md and the plot to
docs/figures/runtime.svg; --dry prints the table only.
"""

import subprocess
import sys
import time

import plot
from maskclass_bench import parser_of, run_main
from page import FIGURES, PERFORMANCE, ROOT, put, table

PAPERS_CELLS = [1000, 5000, 10000, 15000, 20000, 25000, 50000, 100000]


def seconds_of(command):
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    return time.perf_counter() - start


def simulated(program, scenario, cells, file_format):
    out = program.folder / f"{scenario}-{cells}-{file_format}"
    if not out.exists():
        program.run("simulate", scenario, "-o", out, "--seed", 1, "--cells", cells, "--quiet",
                    "--format", file_format)
    return out / ("counts.h5ad" if file_format == "h5ad" else "counts")


def ours(program, arguments, scenario, cells):
    out = program.folder / "runtime.npy"
    return seconds_of([program.path, "denoise", simulated(program, scenario, cells, "h5ad"), "-o", out,
                       "--outputs", "log2", "--n-top-genes", 0, "--drop-empty-cells", "--quiet",
                       "--threads", arguments.threads, "--epochs", arguments.epochs, "--device", "cpu"])


def peer(program, arguments, method, scenario, cells):
    return seconds_of([arguments.peers, ROOT / "bench/peers/denoise.py", method,
                       simulated(program, scenario, cells, "mtx"), program.folder / "peer.npy"])


def main(program, arguments):
    series = {}
    for scenario in arguments.scenarios:
        for cells in arguments.cells:
            taken = ours(program, arguments, scenario, cells)
            series.setdefault(f"MaskClass, {scenario}", []).append((cells, taken))
            print(f"MaskClass, {scenario}, {cells:,} cells: {taken:.1f} s", file=sys.stderr, flush=True)
    for method in arguments.methods if arguments.peers else []:
        for cells in arguments.cells:
            taken = peer(program, arguments, method, arguments.scenarios[0], cells)
            series.setdefault(f"{method}, {arguments.scenarios[0]}", []).append((cells, taken))
            print(f"{method}, {cells:,} cells: {taken:.1f} s", file=sys.stderr, flush=True)
            if taken > arguments.limit:
                break
    rows = [[name, *(f"{dict(line)[cells]:.1f}" if cells in dict(line) else "-"
                     for cells in arguments.cells)] for name, line in series.items()]
    text = table(["seconds, cells:", *(f"{cells:,}" for cells in arguments.cells)], rows)
    if arguments.dry:
        print(text)
        return
    put(PERFORMANCE, "runtime", text + "\n\n"
        "![Seconds of a whole job by the number of cells](figures/runtime.svg)")
    plot.lines(FIGURES / "runtime.svg", f"1,100 genes, {arguments.epochs} epochs, "
               f"{arguments.threads} threads", "cells", "seconds", series)


if __name__ == "__main__":
    parser = parser_of(__doc__)
    words = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--cells", type=lambda text: list(map(int, text.split(","))), default=PAPERS_CELLS)
    parser.add_argument("--scenarios", type=words, default=["equal", "unequal", "rare", "batch"])
    parser.add_argument("--peers")
    parser.add_argument("--methods", type=words, default=["magic", "dca_zinb"])
    parser.add_argument("--limit", type=float, default=900)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dry", action="store_true")
    parsed = parser.parse_args()
    run_main(main, parsed)
