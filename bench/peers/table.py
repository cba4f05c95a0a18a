#!/usr/bin/env python3
"""Methods of others beside MaskClass on simulated cells: MSE (dropout-MSE), mean over draws and seeds.

    VENV/bin/python bench/peers/table.py [--cells 1000] [--draws equal:1,2+rare:5 | --any-draws 1]
        [--methods none,magic,alra,dca_nb,dca_zinb,autoclass,ccimpute,scimpute] [--variants balanced,best,calibrated] [--seeds 1]

Every method is scored by `maskclass evaluate` on the same data, as it is and (kept) with observed
non-zeros put back, as MaskClass keeps them. VENV is what bench/peers/install.sh made.
"""

import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from maskclass_bench import Results, mean_and_deviation, parser_of, print_table, run_main  # noqa: E402

SCENARIOS = ["equal", "unequal", "rare", "batch"]


def simulated(program, scenario, draw, cells):
    out = program.folder / f"mtx-{scenario}-{draw}-{cells}"
    if not out.exists():
        truth = ["--batch-truth", "independent"] if scenario == "batch" else []
        program.run("simulate", scenario, "-o", out, "--seed", draw, "--cells", cells, "--quiet",
                    "--format", "mtx", *truth)
    return out


def score(program, run):
    """Scores of the method as it is and, of others' methods, with non-zeros kept."""
    data = simulated(program, run["scenario"], run["draw"], run["cells"])
    method = run["method"]
    if method in METHODS:
        outs = [program.folder / "peer.npy", program.folder / "peer-kept.npy"]
        subprocess.run([sys.executable, str(HERE / "denoise.py"), method, str(data / "counts"),
                        str(outs[0]), "--seed", str(run["seed"]), "--kept", str(outs[1])],
                       check=True, stdout=subprocess.DEVNULL)
    else:
        outs = [program.denoise(data / "counts", "peer.h5ad", "--n-top-genes", 0, "--variant",
                                method, "--seed", run["seed"], "--outputs", "log2",
                                "--drop-empty-cells")]
    return [program.evaluate(out, "--truth", data, "--counts", data / "counts",
                             "--no-clusters")["truth"] for out in outs]


METHODS = ["none", "magic", "alra", "dca_nb", "dca_zinb", "autoclass", "ccimpute", "scimpute"]


def draws_of(arguments):
    if arguments.draws:
        return {one.split(":")[0]: [int(draw) for draw in one.split(":")[1].split(",")]
                for one in arguments.draws.split("+")}
    return {scenario: range(1, arguments.any_draws + 1) for scenario in SCENARIOS}


def main(program, arguments):
    results = Results(arguments.results)
    draws = draws_of(arguments)
    rows = []
    for method in [*arguments.methods, *filter(None, arguments.variants)]:
        for kept in [0, 1] if method in METHODS and method != "none" else [0]:
            values = []
            for scenario, of_scenario in draws.items():
                scores = []
                for draw in of_scenario:
                    for seed in range(1 if method in ("none", "alra") else arguments.seeds):
                        run = {"scenario": scenario, "cells": arguments.cells, "draw": draw,
                               "method": method, "seed": seed}
                        scores.append(results.of(run, lambda: score(program, run))[kept])
                mse = mean_and_deviation([one["denoised"]["mse"] for one in scores])
                dropout = mean_and_deviation([one["denoised"]["dropout_mse"] for one in scores])
                floor = statistics.mean(one["denoised"]["mse_to_floor"] for one in scores)
                values.append(f"{mse} ({dropout}), {floor:.2f}")
            rows.append((f"{method}{', kept' if kept else ''}", values))
    print(f"{arguments.cells:,} cells: MSE (dropout-MSE), MSE / floor; draws "
          + "; ".join(f"{scenario} {', '.join(map(str, d))}" for scenario, d in draws.items()) + "\n")
    print_table("", [f"Sim-{scenario.capitalize()}" for scenario in draws], rows)


if __name__ == "__main__":
    parser = parser_of(__doc__)
    words = lambda text: text.split(",")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--draws", help="seeds of simulate by scenario")
    parser.add_argument("--any-draws", type=int, default=1)
    parser.add_argument("--methods", type=words, default=METHODS)
    parser.add_argument("--variants", type=words, default=["balanced", "best", "calibrated"])
    run_main(main, parser.parse_args())
