#!/usr/bin/env python3
"""Counts what the kernels before and after training ask of a GPU, without one, and writes the table
of docs/CUDA.md (between `<!-- begin pipeline -->` and `<!-- end -->`).

    cmake --preset cuda-on-cpu && cmake --build --preset cuda-on-cpu --target bench_cuda_pipeline
    python3 bench/cuda_counts.py build/cuda-on-cpu

Registers, spills and shared memory are ptxas's for compute capability 9.0. The kernels of a training
step are bench/cuda_report.py's.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

COMMAND = ["bench/bench_cuda_pipeline", "1000", "1000", "80"]
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "CUDA.md"

SECTOR = 32  # bytes

# Limits a multiprocessor of compute capability 9.0 (CUDA C++ Programming Guide).
THREADS, BLOCKS, REGISTERS, SHARED = 2048, 32, 65536, 233472
SHARED_RESERVED_A_BLOCK = 1024
REGISTERS_A_WARP_MULTIPLE = 256


def short_name(mangled):
    """cub::Name for CUB's kernels, the bare name with its width arguments for ours."""
    name = subprocess.run(["c++filt", mangled], capture_output=True, text=True).stdout.strip()
    cub = re.search(r"(DeviceRadixSort\w+|DeviceScan\w+)", name)
    if name.startswith("void cub") or "cub::" in name.split("(")[0]:
        return "CUB: " + (cub.group(1) if cub else "other")
    name = name.replace("(anonymous namespace)::", "")
    bare = re.search(r"(\w+)(<.*>)?\(", name)
    return bare.group(1) if bare else name


def occupancy(kernel):
    """Share of a multiprocessor's threads that blocks of this kernel can fill."""
    threads = max(32, kernel["threads"] // max(1, kernel["blocks"]))
    warps = -(-threads // 32)
    a_warp = -(-kernel["registers"] * 32 // REGISTERS_A_WARP_MULTIPLE) * REGISTERS_A_WARP_MULTIPLE
    shared = (kernel["static_shared_bytes"] + kernel["max_dynamic_shared_bytes"] +
              SHARED_RESERVED_A_BLOCK)
    blocks = min(BLOCKS, THREADS // (warps * 32), REGISTERS // max(1, a_warp * warps),
                 SHARED // shared)
    return blocks * warps * 32 / THREADS


def row(kernel):
    """What is counted a kernel, over all its launches."""
    reads, writes, atomics = (kernel[f"global_{kind}"] for kind in ("load", "store", "atomic"))
    sectors = reads["sectors"] + writes["sectors"] + atomics["sectors"]
    ideal = reads["ideal_sectors"] + writes["ideal_sectors"] + atomics["ideal_sectors"]
    wavefronts = kernel["shared_load"]["wavefronts"] + kernel["shared_store"]["wavefronts"]
    return {
        "kernel": short_name(kernel["name"]),
        "launches": kernel["launches"],
        "registers": kernel["registers"],
        "spills": kernel["spill_bytes"],
        "shared": kernel["static_shared_bytes"] + kernel["max_dynamic_shared_bytes"],
        "occupancy": occupancy(kernel),
        "fp32": kernel["fp32_flops"],
        "fp64": kernel["thread_instructions"].get("fp64", 0),
        "bytes": SECTOR * sectors,
        "least": kernel["footprint_read_bytes"] + kernel["footprint_written_bytes"],
        # Lanes that read the same word need less than a sector each.
        "efficiency": min(1.0, ideal / sectors) if sectors else 1.0,
        "conflicts": kernel["shared_bank_conflicts"] / wavefronts if wavefronts else 0.0,
    }


def count(build, command):
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile.json"
        environment = dict(os.environ, CUDA_ON_CPU_PROFILE=str(profile))
        subprocess.run([str(build / command[0]), *command[1:]], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
        counted = json.loads(profile.read_text())
    return {"kernels": [row(kernel) for kernel in counted["kernels"]],
            "program": counted["program"]}


COLUMNS = [
    ("kernel", lambda r: f"`{r['kernel']}`" if not r["kernel"].startswith("CUB") else r["kernel"]),
    ("launches", lambda r: f"{r['launches']:,}"),
    ("registers", lambda r: str(r["registers"])),
    ("spills", lambda r: str(r["spills"])),
    ("shared, KB", lambda r: f"{r['shared'] / 1024:.1f}"),
    ("occupancy", lambda r: f"{100 * r['occupancy']:.0f} %"),
    ("fp32, M", lambda r: f"{r['fp32'] / 1e6:.2f}"),
    ("fp64, M", lambda r: f"{r['fp64'] / 1e6:.2f}"),
    ("MB", lambda r: f"{r['bytes'] / 1e6:.2f}"),
    ("least MB", lambda r: f"{r['least'] / 1e6:.2f}"),
    ("sectors used", lambda r: f"{100 * r['efficiency']:.0f} %"),
    ("bank conflicts", lambda r: f"{100 * r['conflicts']:.1f} %"),
]


def table(result):
    lines = ["| " + " | ".join(name for name, _ in COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for counted in result["kernels"]:
        lines.append("| " + " | ".join(show(counted) for _, show in COLUMNS) + " |")
    events = result["program"]["events"]
    lines += ["", f"cuBLAS: {events['cublas_call']['count']} call, "
                  f"{events['cublas_flops']['amount'] / 1e9:.2f} G operations."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="the build folder of preset cuda-on-cpu")
    counted = table(count(parser.parse_args().build, COMMAND))
    text = DOCUMENT.read_text()
    marked = re.compile(r"(<!-- begin pipeline -->\n).*?(<!-- end -->)", re.DOTALL)
    DOCUMENT.write_text(marked.sub(lambda found: found[1] + counted + "\n" + found[2], text))


if __name__ == "__main__":
    main()
