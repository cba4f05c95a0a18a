#!/usr/bin/env python3
"""The paper's Table 2 and Figure 2: simulated cells, every variant, beside the paper and the floor.

    bench/table2.py [--cells 5000] [--draws 5] [--any-draws 5] [--seeds 5]
                    [--variants balanced,best,calibrated] [--scenarios equal,unequal,rare,batch]
                    [--coupled] [--results FILE.jsonl] [--figure FILE.svg]

A scenario's draws are the first seeds of `maskclass simulate` whose error without denoising is
within 3 % of the paper's: the draw of the dropout parameters moves it between 2 and 12, and other
draws are other problems. Seeds are looked through on 500 cells (within 8 %) and measured on all.
`--any-draws N`: a second table, of seeds 1 to N as they come. `--coupled`: Sim-Batch with the truth
of the same cells (default: `independent`, as two runs of the R package give it). Markdown on
standard output, one JSON line a training on standard error and in the file of results, from which
a bench that was stopped goes on.
"""

import shutil
import statistics
import sys

from maskclass_bench import (Results, counted, mean_and_deviation, parser_of,
                             print_table, run_main)

PAPER = {  # Table 2: MSE, dropout-MSE of "Baseline"; and of "MaskClass"
    "equal": ((6.955, 14.009), "0.728 ± 0.017 (1.417 ± 0.036)"),
    "unequal": ((6.799, 14.128), "0.630 ± 0.012 (1.254 ± 0.026)"),
    "rare": ((7.596, 15.234), "0.688 ± 0.005 (1.323 ± 0.009)"),
    "batch": ((6.857, 14.399), "0.788 ± 0.013 (1.600 ± 0.029)"),
}
SCORES = ["mse", "dropout_mse", "biozero_mse"]
NO_TRAINING = ["--n-top-genes", 0, "--epochs", 0, "--drop-empty-cells", "--outputs", "log2"]


def simulated(program, arguments, scenario, seed, cells):
    truth = "coupled" if arguments.coupled else "independent"
    options = ["--batch-truth", truth] if scenario == "batch" else []
    return program.simulate(scenario, seed, cells, *options)


def baseline_error(program, arguments, results, scenario, seed, cells):
    """MSE without denoising: no training, and none of the Bayes floor's integrals."""
    def measure():
        data = simulated(program, arguments, scenario, seed, cells)
        out = program.denoise(data / "counts.h5ad", f"none-{scenario}-{seed}-{cells}.h5ad",
                              *NO_TRAINING)
        scores = program.evaluate(out, "--truth", data / "truth.h5ad", "--counts",
                                  data / "counts.h5ad", "--no-clusters")
        out.unlink()
        shutil.rmtree(data)
        return scores["truth"]["baseline"]["mse"]

    run = {"no denoising": scenario, "cells": cells, "draw": seed, "coupled": arguments.coupled}
    return results.of(run, measure)


def find_draws(program, arguments, results, scenario, cells):
    """The first seeds whose error without denoising is the paper's."""
    paper = PAPER[scenario][0][0]

    def off(seed, n_cells):
        error = baseline_error(program, arguments, results, scenario, seed, n_cells)
        return abs(error / paper - 1)

    draws = []
    for first in range(1, 2000, 8):
        if len(draws) >= arguments.draws:
            return draws[:arguments.draws]
        seeds = range(first, first + 8)
        near = program.in_parallel(lambda seed: off(seed, 500) <= 0.08, seeds)
        for seed, is_near in zip(seeds, near):
            if is_near and off(seed, cells) <= 0.03:
                draws.append(seed)
    sys.exit(f"no draws for {scenario}")


def train_and_score(program, arguments, results, run):
    def measure():
        scenario, cells, draw = run["scenario"], run["cells"], run["draw"]
        data = simulated(program, arguments, scenario, draw, cells)
        out = program.denoise(
            data / "counts.h5ad", f"{run['variant']}-{scenario}-{draw}-{cells}-{run['seed']}.h5ad",
            "--n-top-genes", 0, "--variant", run["variant"], "--seed", run["seed"], "--epochs",
            arguments.epochs, "--outputs", "log2,biozero", *run["options"])
        report = program.evaluate(out, "--truth", data, "--no-clusters", "--biozero")
        out.unlink()
        scores = report["truth"] | {"biozero": report["biozero"]}
        scores["biozero"]["brier_to_truth"] = (
            scores["biozero"]["brier"] / scores["bayes_floor"]["brier"])
        return scores

    return results.of(run, measure)


def all_runs(program, arguments, results, draws, cells):
    """Scores by (scenario, variant, draw): a list, one of each seed of training."""
    # One after another: two trainings of one draw must not both simulate it.
    for scenario in arguments.scenarios:
        for draw in draws[scenario]:
            simulated(program, arguments, scenario, draw, cells)
    runs = [{"scenario": scenario, "cells": cells, "draw": draw, "variant": variant, "seed": seed,
             "coupled": arguments.coupled, "epochs": arguments.epochs,
             "options": arguments.options}
            for variant in arguments.variants for scenario in arguments.scenarios
            for draw in draws[scenario] for seed in range(arguments.seeds)]
    scores = {}
    for run, one in zip(runs, program.in_parallel(
            lambda run: train_and_score(program, arguments, results, run), runs)):
        scores.setdefault((run["scenario"], run["variant"], run["draw"]), []).append(one)
    return scores


def mean_and_worst(by_draw):
    return f"{statistics.mean(by_draw):.3f} (worst {max(by_draw):.3f})"


def print_scores(arguments, draws, cells, scores):
    """Table 2 of the paper for one number of cells."""
    def by_scenario(cell_of):
        return [cell_of(scenario) for scenario in arguments.scenarios]

    def first_of(scenario):  # what does not depend on the variant
        return [scores[scenario, arguments.variants[0], draw][0] for draw in draws[scenario]]

    def of_variant(scenario, variant):
        return [scores[scenario, variant, draw] for draw in draws[scenario]]

    def none(scenario):
        baselines = [one["baseline"] for one in first_of(scenario)]
        return (f"{statistics.mean(one['mse'] for one in baselines):.3f} "
                f"({statistics.mean(one['dropout_mse'] for one in baselines):.3f})")

    def errors(scenario, variant):
        every = [one["denoised"] for by_seed in of_variant(scenario, variant) for one in by_seed]
        return (f"{mean_and_deviation([one['mse'] for one in every])} "
                f"({mean_and_deviation([one['dropout_mse'] for one in every])})")

    def biozero_error(scenario, variant):
        return mean_and_deviation([one["denoised"]["biozero_mse"] for by_seed in
                                   of_variant(scenario, variant) for one in by_seed])

    def to_paper(scenario):
        errors = [one["denoised"]["mse"] for by_seed in of_variant(scenario, "balanced")
                  for one in by_seed]
        return f"{statistics.mean(errors) / float(PAPER[scenario][1].split()[0]):.2f}"

    def to_floor(scenario, variant):
        return mean_and_worst([statistics.mean(one["denoised"]["mse_to_floor"] for one in by_seed)
                               for by_seed in of_variant(scenario, variant)])

    def brier(scenario, variant):
        return mean_and_worst([statistics.mean(one["biozero"]["brier_to_truth"] for one in by_seed)
                               for by_seed in of_variant(scenario, variant)])

    has_brier = "brier_to_truth" in next(iter(scores.values()))[0]["biozero"]
    print(f"{cells:,} cells, {counted(arguments.seeds, 'training')} of each draw and variant\n")
    print_table("MSE (dropout-MSE)", [f"Sim-{s.capitalize()}" for s in arguments.scenarios], [
        ("seeds of `simulate`", by_scenario(lambda s: ", ".join(map(str, draws[s])))),
        ("paper, no denoising", by_scenario(lambda s: f"{PAPER[s][0][0]} ({PAPER[s][0][1]})")),
        ("ours, no denoising", by_scenario(none)),
        ("paper, MaskClass (balanced)", by_scenario(lambda s: PAPER[s][1])),
        *[(f"ours, `{v}`", by_scenario(lambda s: errors(s, v))) for v in arguments.variants],
        *[("`balanced` / paper", by_scenario(to_paper)) for v in arguments.variants
          if v == "balanced"],
        *[(f"`{v}`, biozero-MSE", by_scenario(lambda s: biozero_error(s, v)))
          for v in arguments.variants],
        ("Bayes floor", by_scenario(lambda s: mean_and_deviation(
            [one["bayes_floor"]["mse"] for one in first_of(s)]))),
        *[(f"`{v}` / floor", by_scenario(lambda s: to_floor(s, v))) for v in arguments.variants],
        *[(f"Brier score of `{v}` / of the true posterior", by_scenario(lambda s: brier(s, v)))
          for v in arguments.variants if has_brier],
    ])


COLOURS = ["#4477aa", "#ccbb44", "#228833", "#ee6677"]


def draw_figure(scores, draws, arguments, path):
    """The paper's Figure 2: a panel a score, a group of bars a scenario, a bar a variant."""
    figure = {
        (scenario, variant): {
            score: [one["denoised"][score] for draw in draws[scenario]
                    for one in scores[scenario, variant, draw]] for score in SCORES}
        for scenario in arguments.scenarios for variant in arguments.variants}
    width, height, left, top = 300, 220, 48, 34
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{3 * (width + left)}" '
           f'height="{height + 90}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>']
    for panel, score in enumerate(SCORES):
        x0 = left + panel * (width + left)
        most = max(statistics.mean(values[score]) for values in figure.values()) * 1.15
        out.append(f'<text x="{x0}" y="18" font-size="13">{score.replace("_mse", "-MSE").replace("mse", "MSE")}</text>')
        for step in range(5):
            value = most * step / 4
            y = top + height - height * step / 4
            out.append(f'<line x1="{x0}" x2="{x0 + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                       f'<text x="{x0 - 4}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        group = width / len(arguments.scenarios)
        bar = group / (len(arguments.variants) + 1)
        for s, scenario in enumerate(arguments.scenarios):
            out.append(f'<text x="{x0 + group * (s + 0.5):.1f}" y="{top + height + 16}" '
                       f'text-anchor="middle">{scenario}</text>')
            for v, variant in enumerate(arguments.variants):
                values = figure[scenario, variant][score]
                mean = statistics.mean(values)
                spread = statistics.stdev(values) if len(values) > 1 else 0
                x = x0 + group * s + bar * (v + 0.5)
                y = top + height * (1 - mean / most)
                out.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar * 0.9:.1f}" '
                           f'height="{height * mean / most:.1f}" fill="{COLOURS[v % 4]}"/>')
                out.append(f'<line x1="{x + bar * 0.45:.1f}" x2="{x + bar * 0.45:.1f}" '
                           f'y1="{y - height * spread / most:.1f}" '
                           f'y2="{y + height * spread / most:.1f}" stroke="black"/>')
    for v, variant in enumerate(arguments.variants):
        x = left + 130 * v
        out.append(f'<rect x="{x}" y="{top + height + 34}" width="12" height="12" fill="{COLOURS[v % 4]}"/>'
                   f'<text x="{x + 18}" y="{top + height + 44}">{variant}</text>')
    out.append("</svg>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out))


def main(program, arguments):
    results = Results(arguments.results)
    for cells in arguments.cells:
        kinds = []
        if arguments.draws:
            kinds.append(("Draws with the paper's error without denoising, ", {
                scenario: find_draws(program, arguments, results, scenario, cells)
                for scenario in arguments.scenarios}))
        if arguments.any_draws:
            kinds.append(("Draws not chosen by anything, ", {
                scenario: list(range(1, arguments.any_draws + 1))
                for scenario in arguments.scenarios}))
        if arguments.only_draws:
            continue
        for title, draws in kinds:
            scores = all_runs(program, arguments, results, draws, cells)
            print(title, end="")
            print_scores(arguments, draws, cells, scores)
            if arguments.figure:
                draw_figure(scores, draws, arguments, arguments.figure)
                arguments.figure = None  # The first table's.


if __name__ == "__main__":
    parser = parser_of(__doc__)
    words = lambda text: text.split(",")
    parser.add_argument("--cells", type=lambda text: list(map(int, text.split(","))), default=[5000])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--any-draws", type=int, default=0)
    parser.add_argument("--only-draws", action="store_true", help="look for draws and stop")
    parser.add_argument("--variants", type=words, default=["balanced", "best", "calibrated"])
    parser.add_argument("--scenarios", type=words, default=list(PAPER))
    parser.add_argument("--coupled", action="store_true")
    parser.add_argument("--options", type=str.split, default=[], help="further options of denoise")
    parser.add_argument("--figure")
    parsed = parser.parse_args()
    run_main(main, parsed)
