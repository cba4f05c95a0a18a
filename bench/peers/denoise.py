#!/usr/bin/env python3
"""One method of others on one data set.

    denoise.py METHOD COUNTS OUT.npy [--seed 0] [--kept KEPT.npy] [--as-counts]

COUNTS is a 10x directory. OUT.npy gets log2(1 + normalised count), cells x genes, of the genes with
a count in at least 3 cells, normalised as MaskClass does; with --as-counts denoised counts. KEPT.npy gets the same with observed
non-zeros put back.
"""

import argparse
import pathlib

import numpy as np
from matrix import read_counts, write_matrix
from methods import METHODS

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("method", choices=METHODS)
parser.add_argument("counts", type=pathlib.Path)
parser.add_argument("output", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--kept", type=pathlib.Path)
parser.add_argument("--as-counts", action="store_true")
arguments = parser.parse_args()

counts, cells, genes = read_counts(arguments.counts)
passed = (counts > 0).sum(0) >= 3
counts = counts[:, passed]
genes = [name for name, keep in zip(genes, passed) if keep]
filled = counts.sum(1) > 0
counts = counts[filled]
cells = [name for name, keep in zip(cells, filled) if keep]


def write(path, values):
    if not arguments.as_counts:
        library = counts.sum(1, keepdims=True)
        values = np.log2(1 + values * np.median(library) / library)
    write_matrix(path, values, cells, genes)


denoised = METHODS[arguments.method](counts, arguments.seed)
write(arguments.output, denoised)
if arguments.kept:
    write(arguments.kept, np.where(counts > 0, counts, denoised))
