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
import threading


class Program:
    """The program under test; whatever it writes goes into `folder`. `jobs` runs at once share the
    processors; the bytes are the same for any number of threads."""

    def __init__(self, path, folder, jobs):
        self.path = path
        self.folder = pathlib.Path(folder)
        self.jobs = jobs
        self.threads = max(1, processors() // jobs)

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
        self.run("denoise", counts, "-o", out, "--quiet", "--threads", self.threads, *options)
        return out

    def evaluate(self, denoised, *options):
        return json.loads(self.run("evaluate", denoised, "--json", "--quiet", "--threads",
                                   self.threads, *options))

    def in_parallel(self, function, items):
        """[function(item) for item in items], `jobs` at once."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(function, items))


def processors():
    return len(os.sched_getaffinity(0))


def is_not_counts(folder):
    """Whether the SOURCE.md of a data set, where it has one, says that its values are FPKM."""
    source = pathlib.Path(folder) / "SOURCE.md"
    return source.exists() and "FPKM" in source.read_text()


def parser_of(documentation):
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=documentation,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=root / "build/release/maskclass")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each data set")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--results", help="a file of results: runs that it holds are not repeated")
    parser.add_argument("--jobs", type=int, default=processors(),
                        help="runs at once, which share the processors (default: one each)")
    parser.add_argument("--folder", help="keeps simulated sets and results there")
    return parser


def run_main(function, arguments):
    if arguments.folder:
        os.makedirs(arguments.folder, exist_ok=True)
        return function(Program(arguments.program, arguments.folder, arguments.jobs), arguments)
    with tempfile.TemporaryDirectory() as folder:
        return function(Program(arguments.program, folder, arguments.jobs), arguments)


class Results:
    """Scores of runs that were done, by what was run. With a file (one JSON line a run), a bench
    that was stopped goes on where it was; delete the file when the program changes."""

    def __init__(self, path=None):
        self.path = path and pathlib.Path(path)
        self.known = {}
        self.lock = threading.Lock()
        if self.path and self.path.exists():
            for line in self.path.read_text().splitlines():
                one = json.loads(line)
                self.known[json.dumps(one["run"])] = one["scores"]

    def of(self, run, compute):
        """The scores of `run` (a dict), by `compute()` where they are not known."""
        key = json.dumps(run)
        if key not in self.known:
            scores = compute()
            line = json.dumps({"run": run, "scores": scores})
            with self.lock:
                self.known[key] = scores
                print(line, file=sys.stderr, flush=True)
                if self.path:
                    with self.path.open("a", encoding="utf-8") as file:
                        file.write(line + "\n")
        return self.known[key]


def mean_and_deviation(values):
    """Mean ± standard deviation, or the value alone."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def counted(n, noun):
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


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
