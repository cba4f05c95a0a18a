#!/usr/bin/env python3
"""How long each run of bench/first_gpu.sh trained, and how far its values are from the first one's.

    bench/compare_runs.py FOLDER NAME...      reads FOLDER/NAME.json (`--log json`) and NAME.h5ad
"""

import json
import pathlib
import sys

try:
    import h5py
    import numpy
except ImportError:
    print("skipped: h5py or numpy is not installed")
    sys.exit(77)


def training(path):
    """Seconds of training and the number of cells that it went through."""
    last = None
    for line in path.read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # not the program's own
        if event.get("stage") == "train":
            last = event
    return last["elapsed"], last["done"]


def values(path):
    with h5py.File(path) as file:
        parameters = file["uns/maskclass"]
        return file["layers/maskclass"][:], int(parameters["batch_size"][()])


def main():
    folder = pathlib.Path(sys.argv[1])
    first = None
    print(f"{'run':12} {'training':>10} {'a step':>12} {'faster':>8}  largest difference of log2 values")
    for name in sys.argv[2:]:
        if not (folder / f"{name}.h5ad").exists():
            print(f"{name:12} failed")
            continue
        seconds, cells = training(folder / f"{name}.json")
        log2, batch = values(folder / f"{name}.h5ad")
        first = first or (seconds, log2)
        print(f"{name:12} {seconds:8.2f} s {seconds * batch / cells * 1e6:9.1f} us "
              f"{first[0] / seconds:7.2f}x  {abs(log2 - first[1]).max():.3g}")  # fmt: skip


if __name__ == "__main__":
    main()
