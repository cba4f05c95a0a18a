"""The kernels before and after training: what each asks for, over all its launches. Registers,
spills and shared memory are ptxas's for compute capability 9.0."""

from page import table
from .profile import SECTOR, demangled, profile, wavefronts

COMMAND = ["bench_cuda_pipeline", 1000, 1000, 80]

# Limits a multiprocessor of compute capability 9.0 (CUDA C++ Programming Guide).
THREADS, BLOCKS, REGISTERS, SHARED = 2048, 32, 65536, 233472
SHARED_RESERVED_A_BLOCK = 1024
REGISTERS_A_WARP_MULTIPLE = 256


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
    return {
        "kernel": demangled(kernel["name"]),
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
        "conflicts": kernel["shared_bank_conflicts"] / wavefronts(kernel) if wavefronts(kernel) else 0.0,
    }


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


def pipeline_table(build):
    """Each kernel once, on made-up counts."""
    counted = profile(build, *COMMAND)
    rows = [[show(row(kernel)) for _, show in COLUMNS] for kernel in counted["kernels"]]
    events = counted["program"]["events"]
    return (table([name for name, _ in COLUMNS], rows)
            + f"\n\ncuBLAS: {events['cublas_call']['count']} call, "
              f"{events['cublas_flops']['amount'] / 1e9:.2f} G operations.")  # fmt: skip
