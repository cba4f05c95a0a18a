#!/usr/bin/env python3
"""Cells whose generator the calibrated estimator does not assume: is it ever worse than `best`?

    bench/generators.py [--data DATA_DIR] [--cells 1000] [--draws 1] [--seeds 1]
                        [--variants best,calibrated] [--generators splat,exponential,...]

Two groups of cells, 1,100 genes of Gamma(0.6, rate 0.3) means of which a tenth differ between the
groups (factor e^N(0.1, 0.4), up or down), LogNormal(11, 0.2) libraries, gamma-Poisson counts t:

  splat        dispersion (0.1 + 1/sqrt(mu))^2, P(drop) = logistic(2.5 - ln lambda): as assumed
  exponential  P(drop) = exp(-0.1 ln(1 + t)^2): a quadratic exponential of the count (as ZIFA)
  probit       P(drop) = Phi(2.5 - ln mu): of the gene's mean in the group, not of the cell's
  uniform      P(drop) = 0.4 whatever the expression
  constant     dispersion 0.2 for every gene, dropout as `splat`
  none         no dropout at all
  thinned      real counts (the sets of molecules in DATA_DIR), each molecule kept with
               probability 0.5; the truth is what it was before

Mean squared error of log2 values against the truth, mean over draws and seeds. Needs Python 3 and
the program.
"""

import math
import pathlib
import random
import statistics

from maskclass_bench import (Results, parser_of, print_table, run_main)
from openproblems import read_matrix, write_matrix

GENES = 1100
SIMULATED = ["splat", "exponential", "probit", "uniform", "constant", "none"]
MOLECULES = ["mix_celseq2_3cl", "zheng500_10x", "pbmc3k_10x"]


def poisson(draw, mean):
    if mean > 50:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, draw.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= draw.random()
    return count


def logistic(x):
    return 1 / (1 + math.exp(-x))


def normal_share(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def is_dropped(draw, generator, mean, expression, count):
    if generator == "none":
        return False
    if generator == "exponential":
        p = math.exp(-0.1 * math.log1p(count) ** 2)
    elif generator == "probit":
        p = normal_share(2.5 - math.log(mean))
    elif generator == "uniform":
        p = 0.4
    else:
        p = logistic(2.5 - math.log(max(expression, 1e-12)))
    return draw.random() < p


def simulated(generator, n_cells, seed):
    """Rows of true counts and of counts."""
    draw = random.Random(f"{generator} {seed}")
    groups = []
    common = [draw.gammavariate(0.6, 1 / 0.3) for _ in range(GENES)]
    for _ in range(2):
        means = [mean * (math.exp(draw.choice([-1, 1]) * draw.gauss(0.1, 0.4))
                         if draw.random() < 0.1 else 1) for mean in common]
        total = sum(means)
        groups.append([mean / total for mean in means])
    truth, counts = [], []
    for cell in range(n_cells):
        library = draw.lognormvariate(11, 0.2)
        true_row, row = [], []
        for gene, share in enumerate(groups[cell % 2]):
            mean = library * share
            if mean < 1e-9:
                continue
            phi = 0.2 if generator == "constant" else (0.1 + 1 / math.sqrt(mean)) ** 2
            expression = draw.gammavariate(1 / phi, mean * phi)
            count = poisson(draw, expression)
            if count == 0:
                continue
            true_row.append((gene, count))
            if not is_dropped(draw, generator, mean, expression, count):
                row.append((gene, count))
        truth.append(true_row)
        counts.append(row)
    return truth, counts, GENES


def thinned(folder, seed):
    truth, n_genes = read_matrix(folder)
    draw = random.Random(seed).random
    counts = []
    for row in truth:
        kept = [(gene, sum(draw() < 0.5 for _ in range(count))) for gene, count in row]
        counts.append([(gene, count) for gene, count in kept if count])
    return truth, counts, n_genes


def main(program, arguments):
    results = Results(arguments.results)
    jobs = [(name, draw) for name in arguments.generators for draw in range(arguments.draws)]
    if arguments.data:
        jobs += [(f"thinned {path.name}", 0) for path in sorted(pathlib.Path(arguments.data).iterdir())
                 if path.name in MOLECULES]

    def make(job):
        name, draw = job
        folder = program.folder / f"{name.replace(' ', '-')}-{draw}-{arguments.cells}"
        if (folder / "counts/features.tsv.gz").exists():
            return
        truth, counts, n_genes = (
            thinned(pathlib.Path(arguments.data) / name.split()[1], draw) if " " in name
            else simulated(name, arguments.cells, draw))
        folder.mkdir(exist_ok=True)
        write_matrix(folder / "truth", truth, n_genes)
        write_matrix(folder / "counts", counts, n_genes)

    def score(run):
        def measure():
            name, draw = run["generator"], run["draw"]
            folder = program.folder / f"{name.replace(' ', '-')}-{draw}-{run['cells']}"
            top = [] if " " in name else ["--n-top-genes", 0]
            out = program.denoise(
                folder / "counts", f"{folder.name}-{run['variant']}-{run['seed']}.h5ad",
                "--variant", run["variant"], "--seed", run["seed"], "--epochs", run["epochs"],
                "--drop-empty-cells", "--outputs", "log2", *top)
            scores = program.evaluate(out, "--truth", folder / "truth", "--counts",
                                      folder / "counts", "--no-clusters")["truth"]
            out.unlink()
            return scores
        return results.of(run, measure)

    program.in_parallel(make, jobs)
    runs = [{"generator": name, "draw": draw, "cells": arguments.cells, "variant": variant,
             "seed": seed, "epochs": arguments.epochs}
            for name, draw in jobs for variant in arguments.variants
            for seed in range(arguments.seeds)]
    scores = {}
    for run, one in zip(runs, program.in_parallel(score, runs)):
        scores.setdefault((run["generator"], run["variant"]), []).append(one)
    rows = []
    for name in dict.fromkeys(name for name, _ in jobs):
        first = scores[name, arguments.variants[0]]
        errors = {variant: statistics.mean(one["denoised"]["mse"] for one in scores[name, variant])
                  for variant in arguments.variants}
        ratio = (f"{errors['calibrated'] / errors['best']:.3f}"
                 if {"best", "calibrated"} <= errors.keys() else "")
        rows.append((name, [f"{statistics.mean(one['baseline']['mse'] for one in first):.3f}",
                            *[f"{error:.3f}" for error in errors.values()], ratio]))
    print_table("MSE", ["no denoising", *[f"`{v}`" for v in arguments.variants],
                        "`calibrated` / `best`"], rows)


if __name__ == "__main__":
    parser = parser_of(__doc__)
    words = lambda text: text.split(",")
    parser.add_argument("--data")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--variants", type=words, default=["best", "calibrated"])
    parser.add_argument("--generators", type=words, default=SIMULATED)
    run_main(main, parser.parse_args())
