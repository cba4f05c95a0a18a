"""A training step: operations, bytes, sectors, bank conflicts, launches and barriers."""

import os
import pathlib

from page import table

from .profile import (
    SECTOR, by_name, global_bytes, profile, scaled, subtract, used_bytes, wavefronts)  # fmt: skip

GENES, BATCH, HIDDEN, LATENT = 1100, 32, 64, 32
SHORT, LONG = 4 * BATCH, 12 * BATCH  # cells of the two epochs
SLICES = (GENES + 31) // 32
TRUNK_BLOCKS = BATCH // 8

# Why an access uses less than 80 % of its sectors: by the text of its source line. A line that is
# not here is reported as unexplained.
REASONS = [
    ("columns.values[", "runs of some 13 non-zeros of random cells, which begin anywhere"),
    ("scaling.", "scaling of the genes that have a masked zero"),
    ("gene.", "scaling of the genes that have a masked zero"),
    ("noise * philox", "scaling of the genes that have a masked zero"),
    ("winsorised", "scaling of the genes that have a masked zero"),
    ("shared)[threadIdx.x]", "Adam's six factors of a step"),
    ("[threadIdx.x];", "Adam's six factors of a step"),
    ("loss_scale", "two numbers a batch"),
    ("scale.masked", "two numbers a batch"),
    ("scale.biozero", "two numbers a batch"),
    ("sums = {", "a slice's two or three sums"),
    ("losses[", "two numbers a batch"),
    ("state", "four numbers of the schedule"),
    ("&index", "four numbers of the schedule"),
    ("written", "a number of the schedule"),
    ("ordered.", "a random cell, once an epoch"),
    ("order[", "a random cell, once an epoch"),
]


def a_step(build, driver, precision="fp32", **environment):
    """Counts of one step, by kernel: the difference of two epochs over their batches."""
    short, long = (
        by_name(profile(build, "bench_cuda_step", driver, cells, GENES, 1, precision,
                        **environment))
        for cells in (SHORT, LONG))  # fmt: skip
    steps = (LONG - SHORT) // BATCH
    return {name: scaled(subtract(kernel, short[name]), 1 / steps) for name, kernel in long.items()}


def dynamic_shared(build):
    """Bytes a kernel."""
    return {
        name: kernel["max_dynamic_shared_bytes"]
        for driver in ("graph", "persistent")
        for name, kernel in by_name(
            profile(build, "bench_cuda_step", driver, BATCH, GENES)).items()
    }  # fmt: skip


# --- the least that is needed -------------------------------------------------------------------

NONZEROS = 0.4 * BATCH * GENES
WIDE = BATCH * GENES * HIDDEN  # multiply-adds of one product of a wide layer
TRUNK = BATCH * 2 * HIDDEN * LATENT  # and of both inner layers
ADAM = 14  # operations a parameter: kernels/math/adam.h, with quotient and root as one each
BIOZERO = 2 * 16  # multiply-adds of the Chebyshev sum, for each zero
N_TRUNK = 2 * HIDDEN * LATENT + 3 * (2 * HIDDEN + LATENT)

LEAST_OPERATIONS = {
    "order_kernel": 0,
    "encode_kernel": 2 * WIDE + BIOZERO * (BATCH * GENES - NONZEROS),
    "trunk_forward_kernel": 2 * TRUNK + SLICES * BATCH * HIDDEN,
    "decode_kernel": 6 * WIDE + ADAM * GENES * (HIDDEN + 1),
    "trunk_backward_kernel": 2 * TRUNK + SLICES * BATCH * HIDDEN,
    "encode_backward_kernel": 2 * WIDE + ADAM * (GENES * HIDDEN + N_TRUNK) + 2 * TRUNK,
}
LEAST_OPERATIONS["persistent_kernel"] = sum(LEAST_OPERATIONS.values())

SEGMENTS = 8 * BATCH * SLICES
COLUMNS = SEGMENTS + 4 * NONZEROS  # the batch's, in their stored form
PARTIAL = 4 * SLICES * BATCH * HIDDEN
ACTIVATIONS = 4 * BATCH * HIDDEN
LAYER = 4 * GENES * HIDDEN
TRUNK_ROWS = 4 * BATCH * (2 * HIDDEN + LATENT)
LEAST_BYTES = {
    "order_kernel": 2 * (SEGMENTS + 20 * BATCH) + 4 * BATCH,
    "encode_kernel": COLUMNS + LAYER + PARTIAL,
    "trunk_forward_kernel": PARTIAL + 4 * N_TRUNK + 2 * TRUNK_ROWS,
    "decode_kernel": COLUMNS + 6 * LAYER + ACTIVATIONS + PARTIAL,
    "trunk_backward_kernel": PARTIAL + 4 * N_TRUNK + 2 * TRUNK_ROWS,
    "encode_backward_kernel": COLUMNS + 6 * LAYER + ACTIVATIONS + TRUNK_ROWS + 24 * N_TRUNK,
    "persistent_kernel": COLUMNS + 4 * PARTIAL + 2 * ACTIVATIONS + 2 * TRUNK_ROWS,
}
BYTES_LIMIT = 3 * (COLUMNS + 2 * PARTIAL)


# --- tables -------------------------------------------------------------------------------------


def step_bytes(kernels):
    return sum(global_bytes(kernel) for kernel in kernels.values())


def counts_table(steps):
    rows = []
    for driver, kernels in steps.items():
        for name in LEAST_OPERATIONS:
            if name not in kernels:
                continue
            k = kernels[name]
            tensor = k.get("mma_flops", 0)
            rows.append([
                driver, "`%s`" % name,
                "%.2f / %.2f" % ((k["fp32_flops"] + tensor) / 1e6, LEAST_OPERATIONS[name] / 1e6),
                "%.0f / %.0f" % (global_bytes(k) / 1e3, LEAST_BYTES[name] / 1e3),
                "%.0f %%" % (100 * used_bytes(k) / global_bytes(k)),
                "%.0f" % wavefronts(k),
                "%.1f %%" % (100 * k["shared_bank_conflicts"] / wavefronts(k)),
            ])  # fmt: skip
    return table(
        ["driver", "kernel", "Mflop / least", "global KB / least", "sectors used",
         "shared wavefronts", "of them conflicts"], rows, numbers=False)  # fmt: skip


def accesses_of(kernels):
    """Global accesses of all kernels by source line: sectors' bytes and distinct bytes."""
    lines = {}
    for kernel in kernels.values():
        for (file, line, kind), counts in kernel["accesses"].items():
            if not kind.startswith("global") or not counts["sectors"]:
                continue
            entry = lines.setdefault((file, line, kind), [0, 0])
            entry[0] += SECTOR * counts["sectors"]
            entry[1] += counts["distinct_bytes"]
    return lines


def poor_accesses(kernels):
    """Those that use less than 80 % of their sectors, and their share of the step's bytes."""
    lines = accesses_of(kernels)
    total = sum(bytes_ for bytes_, _ in lines.values())
    poor = {key: value for key, value in lines.items() if value[1] < 0.8 * value[0]}
    return poor, total, sum(bytes_ for bytes_, _ in poor.values()) / total


def source_line(file, line):
    try:
        return pathlib.Path(file).read_text().split("\n")[line - 1].strip()
    except OSError:
        return ""


def reason_of(text):
    return next((reason for key, reason in REASONS if key in text), "**not explained**")


def accesses_table(steps):
    rows = []
    parts = []
    for driver, kernels in steps.items():
        poor, total, share = poor_accesses(kernels)
        parts.append("%s: %.2f %%" % (driver, 100 * share))
        for (file, line, kind), (bytes_, used) in sorted(poor.items(), key=lambda e: -e[1][0]):
            if bytes_ < 5e-5 * total:
                continue
            rows.append([
                driver, "`%s:%d`" % (os.path.basename(file), line), kind.replace("global_", ""),
                "%.2f %%" % (100 * bytes_ / total), "%.0f %%" % (100 * used / bytes_),
                reason_of(source_line(file, line)),
            ])  # fmt: skip
    return (
        "Together, of the step's bytes: " + "; ".join(parts) + ". Below 0.005 % each is left out."
        "\n\n" + table(
            ["driver", "line", "access", "of the step's bytes", "sectors used", "reason"], rows,
            numbers=False)
    )  # fmt: skip


def goals_table(steps):
    launches = sum(k["launches"] for n, k in steps["graph"].items() if n != "order_kernel")
    persistent = steps["persistent"]
    rows = [
        ["launches a step, graph", "at most 5", "%.0f" % launches],
        ["grid barriers a step, persistent", "at most 4",
         "%.0f" % persistent["persistent_kernel"]["grid_syncs"]],
        ["global KB a step, persistent", "at most %.0f" % (BYTES_LIMIT / 1e3),
         "%.0f" % (step_bytes(persistent) / 1e3)],
    ]  # fmt: skip
    for driver, kernels in steps.items():
        used = sum(used_bytes(k) for k in kernels.values())
        rows.append(["sectors used over the step, " + driver, "at least 80 %",
                     "%.1f %%" % (100 * used / step_bytes(kernels))])  # fmt: skip
        rows.append(["accesses below 80 %, " + driver, "at most 5 % of the bytes",
                     "%.2f %%" % (100 * poor_accesses(kernels)[2])])  # fmt: skip
    return table(["what", "goal", "counted"], rows, numbers=False)
