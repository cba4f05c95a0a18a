"""Registers, spills and shared memory: what ptxas says, for every architecture of preset `cuda`."""

import os
import pathlib
import re
import subprocess

from page import table
from .profile import demangled

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = sorted((ROOT / "kernels/cuda").rglob("*.cu"))
ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]
THREADS = 256
TRAINING = [source for source in SOURCES if source.parent.name == "training"]

# A multiprocessor's threads, registers and bytes of shared memory (CUDA C++ Programming Guide,
# "Technical Specifications per Compute Capability"); a block takes 1 KB more from 8.0 on.
LIMITS = {75: (1024, 65536, 64), 80: (2048, 65536, 164), 86: (1536, 65536, 100),
          89: (1536, 65536, 100), 90: (2048, 65536, 228), 100: (2048, 65536, 228),
          120: (1536, 65536, 100)}  # fmt: skip


def resources(source):
    """{mangled kernel: {architecture: (registers, spilled bytes, static shared bytes)}}; a warning
    is an error."""
    command = ["nvcc", "-std=c++20", "-fmad=false", "-O3", "-I%s" % ROOT, "-Xptxas=-v",
               "-Werror=all-warnings", "-c", str(source), "-o", os.devnull]  # fmt: skip
    for arch in ARCHITECTURES:
        command += ["-gencode", "arch=compute_%d,code=sm_%d" % (arch, arch)]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = {}
    for name, arch, spill, registers, rest in re.findall(
            r"entry function '(\w+)' for 'sm_(\d+)'.*?(\d+) bytes spill stores.*?"
            r"Used (\d+) registers([^\n]*)", log, re.S):  # fmt: skip
        shared = re.search(r"(\d+) bytes smem", rest)
        found.setdefault(name, {})[int(arch)] = (
            int(registers), int(spill), int(shared[1]) if shared else 0)  # fmt: skip
    return found


def label(name):
    text = demangled(name)
    for part, words in (("AnyWidths", "any widths"), ("Lb0E", "inference"), ("PrecisionE1", "tf32")):
        if part in name:
            text += ", " + words
    return text


def occupancy(arch, registers, shared):
    threads, all_registers, kilobytes = LIMITS[arch]
    a_warp = -(-registers * 32 // 256) * 256
    reserved = 0 if arch == 75 else 1024
    blocks = min(threads // THREADS, all_registers // (a_warp * THREADS // 32),
                 kilobytes * 1024 // max(1, shared + reserved))  # fmt: skip
    return blocks * THREADS / threads


def training_table(dynamic):
    """Registers and occupancy a kernel and architecture; dynamic shared bytes by kernel."""
    kernels = {}
    for source in TRAINING:
        kernels |= {
            label(name): by_arch
            for name, by_arch in resources(source).items()
        }
    rows = []
    for name, by_arch in sorted(kernels.items()):
        more = dynamic.get(name.split(",")[0], 0)
        cells = []
        for arch in ARCHITECTURES:
            registers, spill, static = by_arch[arch]
            share = occupancy(arch, registers, static + more)
            cells.append("%d%s, %s" % (registers, ", **%d spilled**" % spill if spill else "",
                                       "%.0f %%" % (100 * share) if share else "too large"))  # fmt: skip
        shared = max(v[2] for v in by_arch.values()) + more
        rows.append(["`%s`" % name, "%.1f" % (shared / 1024)] + cells)
    return table(["kernel", "shared KB"] + ["%.1f" % (a / 10) for a in ARCHITECTURES], rows)


def spills_text():
    """The same of all other kernels, in words."""
    registers = []  # the most of each kernel of ours
    spilled = []
    spilled_by_cub = []
    sources = [source for source in SOURCES if source not in TRAINING]
    for source in sources:
        for name, by_arch in resources(source).items():
            text = demangled(name)
            is_cub = text.startswith("CUB")
            if not is_cub:
                registers.append(max(used for used, _, _ in by_arch.values()))
            (spilled_by_cub if is_cub else spilled).extend(
                "%s spills %d bytes on %.1f" % (text, spill, arch / 10)
                for arch, (_, spill, _) in by_arch.items() if spill)  # fmt: skip
    return "The other %d kernels of ours, in %d files, take at most %d registers; %s.%s" % (
        len(registers), len(sources), max(registers),
        "**" + "; ".join(spilled) + "**" if spilled else "none spills",
        " " + "; ".join(spilled_by_cub) + "." if spilled_by_cub else "")  # fmt: skip
