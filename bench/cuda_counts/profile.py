"""Programs under cuda-on-cpu's counters."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

SECTOR = 32  # bytes


def demangled(name):
    """The bare name of a kernel of ours, "CUB: Name" for one of CUB's."""
    text = subprocess.run(["c++filt", name], capture_output=True, text=True, check=True).stdout
    if "cub::" in text.split("(")[0]:
        cub = re.search(r"(DeviceRadixSort\w+|DeviceScan\w+)", text)
        return "CUB: " + (cub[1] if cub else "other")
    text = text.strip().replace("(anonymous namespace)::", "")
    return re.sub(r".*?(\w+)(<.*)?\(.*", r"\1", text)


def profile(build, program, *arguments, **environment):
    """The counters' JSON of one run of build/bench/PROGRAM."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "profile.json"
        subprocess.run(
            [build / "bench" / program, *map(str, arguments)], check=True,
            env={**os.environ, **environment, "CUDA_ON_CPU_PROFILE": str(path)},
            stdout=subprocess.DEVNULL)  # fmt: skip
        return json.loads(path.read_text())


def by_name(counted):
    """Kernels by their bare name, and their accesses by source line."""
    kernels = {}
    for kernel in counted["kernels"]:
        kernel["accesses"] = {
            (a["file"], a["line"], a["kind"]): {
                k: v for k, v in a.items() if k not in ("file", "line", "kind")
            }
            for a in kernel["accesses"]
        }
        kernels[demangled(kernel["name"])] = kernel
    return kernels


def subtract(more, less):
    """Every number of `more` minus that of `less`, through dictionaries."""
    if isinstance(more, dict):
        return {
            key: subtract(value, less.get(key, 0) if isinstance(less, dict) else 0)
            for key, value in more.items()
        }
    if isinstance(more, (int, float)) and isinstance(less, (int, float)):
        return more - less
    return more


def scaled(value, factor):
    if isinstance(value, dict):
        return {key: scaled(v, factor) for key, v in value.items()}
    return value * factor if isinstance(value, (int, float)) else value


def global_bytes(kernel):
    """Of the sectors that its warps ask for; there are no caches in the count."""
    return SECTOR * sum(kernel["global_" + kind]["sectors"] for kind in ("load", "store", "atomic"))


def used_bytes(kernel):
    return sum(kernel["global_" + kind]["distinct_bytes"] for kind in ("load", "store", "atomic"))


def wavefronts(kernel):
    """Of shared memory."""
    return kernel["shared_load"]["wavefronts"] + kernel["shared_store"]["wavefronts"]


def instructions(kernel):
    return sum(v for k, v in kernel["thread_instructions"].items() if k != "total")
