"""A model of the time of a step, from its counts. Stated in docs/CUDA.md."""

from page import table
from .profile import global_bytes, instructions, wavefronts
from .step import BATCH, SLICES, TRUNK_BLOCKS, step_bytes

# Multiprocessors, GHz, L2 bytes a second, seconds of a dependent launch in a graph, of a barrier of
# the grid, of a load from L2.
GPUS = {"A100": (108, 1.41e9, 5.0e12, 1.5e-6, 1.3e-6, 0.20e-6),
        "H100": (132, 1.75e9, 5.5e12, 1.3e-6, 1.2e-6, 0.16e-6),
        "B200": (148, 1.85e9, 9.0e12, 1.3e-6, 1.3e-6, 0.19e-6)}  # fmt: skip
SLICE_PHASES = ("encode_kernel", "decode_kernel", "encode_backward_kernel")
TRUNK_PHASES = ("trunk_forward_kernel", "trunk_backward_kernel")
# Loads from L2 that wait for each other: the step's number, a segment, its values; activations; a
# slice's or the trunk's weights; 8 partial sums are under way at a time.
CHAINS = {"encode_kernel": 4, "trunk_forward_kernel": 2 + -(-SLICES // 8), "decode_kernel": 5,
          "trunk_backward_kernel": 2 + -(-SLICES // 8), "encode_backward_kernel": 5}  # fmt: skip
RUN = 300 * -(-5000 // BATCH)  # steps of 300 epochs of 5,000 cells


def work_of(graph, gpu, slice_blocks):
    """Seconds of each phase: in the busiest multiprocessor, arithmetic or shared memory, whichever
    takes longer; or L2."""
    _, clock, l2, _, _, _ = gpu
    work = {}
    for name in SLICE_PHASES + TRUNK_PHASES:
        kernel = graph[name]
        blocks = TRUNK_BLOCKS if name in TRUNK_PHASES else slice_blocks
        if name == "encode_backward_kernel":
            blocks += TRUNK_BLOCKS
        issue = instructions(kernel) / 32 / 4 / blocks / clock  # four schedulers
        work[name] = max(issue, wavefronts(kernel) / blocks / clock, global_bytes(kernel) / l2)
    return work


def graph_seconds(graph, gpu):
    _, _, _, launch, _, load = gpu
    return (sum(work_of(graph, gpu, SLICES).values()) + sum(CHAINS.values()) * load + 5 * launch)


def persistent_seconds(graph, persistent, gpu, slice_blocks):
    """The same phases on chip: phases 3 and 5 need not gather, draw or load weights again."""
    _, _, _, _, barrier, load = gpu
    share = instructions(persistent["persistent_kernel"]) / sum(
        instructions(graph[name]) for name in SLICE_PHASES + TRUNK_PHASES)
    chain = (CHAINS["encode_kernel"] - 1 + CHAINS["trunk_forward_kernel"] + 1
             + CHAINS["trunk_backward_kernel"] + 1)  # fmt: skip
    work = sum(work_of(graph, gpu, slice_blocks).values())
    return min(1, share) * work + 4 * barrier + chain * load


def model_table(steps, pytorch):
    """`pytorch`: launches of its step."""
    rows = []
    for name, gpu in GPUS.items():
        row = [name]
        for seconds in (graph_seconds(steps["graph"], gpu),
                        persistent_seconds(steps["graph"], steps["persistent"], gpu, SLICES)):
            row += ["%.1f" % (1e6 * seconds), "%.1f" % (RUN * seconds)]
        rows.append(row + ["%.0f" % (1e6 * pytorch * gpu[3])])
    header = ["GPU", "graph: us a step", "s a run", "persistent: us a step", "s a run"]
    header.append("%d launches of PyTorch at a graph's latency alone: us a step" % pytorch)
    return table(header, rows)


def slices_table(graph, by_slices):
    """What slices a block cost and save. `by_slices`: {slices a block: a persistent step}."""
    rows = []
    for slices, persistent in by_slices.items():
        blocks = -(-SLICES // slices)
        rows.append(
            [str(slices), str(blocks), "%.0f" % (step_bytes(persistent) / 1e3)]
            + ["%.1f" % (1e6 * persistent_seconds(graph, persistent, gpu, blocks))
               for gpu in GPUS.values()])  # fmt: skip
    return table(["slices a block", "slice blocks", "global KB a step"]
                 + ["%s: us a step" % name for name in GPUS], rows)  # fmt: skip
