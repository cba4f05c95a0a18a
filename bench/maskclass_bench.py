"""What the benches share: running the program, doing so in parallel, tables. Python 3 alone."""

import argparse
import array
import ast
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile


class Program:
    """The program under test; whatever it writes goes into `folder`."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = pathlib.Path(folder)

    def run(self, *arguments):
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def simulate(self, scenario, seed, cells, *options):
        out = self.folder / f"{scenario}-{seed}-{cells}"
        if not out.exists():
            self.run("simulate", scenario, "-o", out, "--seed", seed, "--cells", cells, "--quiet",
                     *options)
        return out

    def denoise(self, counts, name, *options):
        out = self.folder / name
        # One thread a run, and as many runs at once as there are processors: the bytes are the same.
        self.run("denoise", counts, "-o", out, "--quiet", "--threads", 1, *options)
        return out

    def evaluate(self, denoised, *options):
        return json.loads(
            self.run("evaluate", denoised, "--json", "--quiet", "--threads", 1, *options))


def parser_of(documentation):
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=documentation,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=root / "build/release/maskclass")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each data set")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--folder", help="keeps simulated sets and results there")
    return parser


def run_main(function, arguments):
    if arguments.folder:
        os.makedirs(arguments.folder, exist_ok=True)
        return function(Program(arguments.program, arguments.folder), arguments)
    with tempfile.TemporaryDirectory() as folder:
        return function(Program(arguments.program, folder), arguments)


def in_parallel(function, items):
    """[function(item) for item in items], as many at once as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(function, items))


def mean_and_deviation(values):
    """Mean ± standard deviation, or the value alone."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def print_table(corner, columns, rows):
    print(f"| {corner} | " + " | ".join(columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for name, values in rows:
        print(f"| {name} | " + " | ".join(values) + " |")
    print(flush=True)


def read_npy(path):
    """Rows of a float32 matrix."""
    with open(path, "rb") as file:
        magic = file.read(8)
        size = int.from_bytes(file.read(2 if magic[6] == 1 else 4), "little")
        header = ast.literal_eval(file.read(size).decode())
        values = array.array("f")
        values.frombytes(file.read())
    _, columns = header["shape"]
    return [values[first:first + columns] for first in range(0, len(values), columns)]
