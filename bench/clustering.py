#!/usr/bin/env python3
"""Clusters of real labelled cells before and after denoising, the paper's Table 1.

    bench/clustering.py DATA_DIR [--seeds 5] [--variants balanced] [--starts 200]

Every folder of DATA_DIR with matrix.mtx.gz and labels.tsv.gz: raw counts, the 1,000 most variable
genes, default settings; PCA and k-means of the same genes of the same cells before and after, as
many clusters as labels. Means ± standard deviations over seeds of training. Markdown on standard
output.
"""

import gzip
import json
import pathlib
import statistics
import sys

from maskclass_bench import (is_not_counts, mean_and_deviation, parser_of, print_table,
                             run_main)

SCORES = ["ari", "nmi", "purity", "asw"]


def read_shape(folder):
    with gzip.open(folder / "matrix.mtx.gz", "rt") as file:
        for line in file:
            if not line.startswith("%"):
                genes, cells, _ = map(int, line.split())
                return cells, genes
    return 0, 0


def main(program, arguments):
    rows = []
    means = {}
    for folder in sorted(pathlib.Path(arguments.data).iterdir()):
        if not (folder / "labels.tsv.gz").exists():
            continue
        cells, genes = read_shape(folder)
        options = ["--n-top-genes", 0] if genes <= 1000 else []
        if is_not_counts(folder):
            options += ["--allow-non-integer"]
        for variant in arguments.variants:
            def score_seed(seed):
                out = program.denoise(folder, f"{folder.name}-{variant}-{seed}.h5ad", "--seed", seed,
                                      "--variant", variant, "--epochs", arguments.epochs, *options)
                return program.evaluate(out, "--labels", folder / "labels.tsv.gz", "--starts",
                                        arguments.starts)["clusters"]

            scores = program.in_parallel(score_seed, range(arguments.seeds))
            print(json.dumps({"data": folder.name, "variant": variant, "scores": scores}),
                  file=sys.stderr, flush=True)
            marked = " *" if "--allow-non-integer" in options else ""
            values = [f"{cells:,}", f"{genes:,}", str(scores[0]["k"])]
            for score in SCORES:
                values.append(f"{statistics.mean(s['baseline'][score] for s in scores):.3f}")
                values.append(mean_and_deviation([s["denoised"][score] for s in scores]))
            rows.append((f"{folder.name}{marked}, {variant}", values))
            for when in ["baseline", "denoised"]:
                means.setdefault((variant, when), []).append(
                    statistics.mean(s[when]["ari"] for s in scores))
    columns = ["cells", "genes", "clusters"]
    for score in SCORES:
        columns += [f"{score.upper()} before", "after"]
    print_table("data set, variant", columns, rows)
    for (variant, when), values in means.items():
        print(f"mean ARI over the data sets, {variant}, "
              f"{'before' if when == 'baseline' else 'after'}: {statistics.mean(values):.3f}")


if __name__ == "__main__":
    parser = parser_of(__doc__)
    parser.add_argument("data")
    parser.add_argument("--variants", type=lambda text: text.split(","), default=["balanced"])
    parser.add_argument("--starts", type=int, default=200)
    run_main(main, parser.parse_args())
