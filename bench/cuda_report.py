#!/usr/bin/env python3
"""Counts what a training step asks of a GPU, without one, and writes it into docs/CUDA.md.

    cmake --preset cuda-on-cpu && cmake --build --preset cuda-on-cpu --target bench_cuda_step
    python3 bench/cuda_report.py build/cuda-on-cpu [--pytorch PYTHON] [--no-resources]

Runs bench_cuda_step under cuda-on-cpu's counters for epochs of two lengths: the difference is a
step, free of what a launch does once. Registers and spills come from ptxas, for every architecture
of the `cuda` preset. PYTHON is an interpreter that has torch; without it, and with --no-resources,
the parts that need them stay as they are. Each table of the document lies between
`<!-- begin NAME -->` and `<!-- end -->`."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GENES, BATCH, HIDDEN, LATENT = 1100, 32, 64, 32
SHORT, LONG = 4 * BATCH, 12 * BATCH  # cells of the two epochs
SLICES = (GENES + 31) // 32
SECTOR = 32
ARCHITECTURES = [75, 80, 86, 89, 90, 100, 120]
THREADS = 256

# A multiprocessor's threads, registers and bytes of shared memory (CUDA C++ Programming Guide,
# "Technical Specifications per Compute Capability"); a block takes 1 KB more from 8.0 on.
LIMITS = {75: (1024, 65536, 64), 80: (2048, 65536, 164), 86: (1536, 65536, 100),
          89: (1536, 65536, 100), 90: (2048, 65536, 228), 100: (2048, 65536, 228),
          120: (1536, 65536, 100)}

# Why an access uses less than 80 % of its sectors: by file and the text of its source line. A line
# that is not here is reported as unexplained.
REASONS = [
    ('columns.values[', 'runs of some 13 non-zeros of random cells, which begin anywhere'),
    ('segments[', 'a random cell\'s word for one slice'), ('row_start', 'a random cell'),
    ('cell_ids', 'a random cell'), ('shrink', 'a random cell'), ('position', 'a random cell'),
    ('columns.genes[', 'scaling of the genes that have a masked zero'),
    ('shared)[threadIdx.x]', 'Adam\'s six factors of a step'),
    ('[threadIdx.x];', 'Adam\'s six factors of a step'),
    ('loss_scale', 'two numbers a batch'), ('scale.masked', 'two numbers a batch'),
    ('scale.biozero', 'two numbers a batch'),
    ('sums[k]', 'a slice\'s three sums'), ('losses[k]', 'a slice\'s two sums'),
    ('sums = {', 'a slice\'s two or three sums'), ('losses[', 'two numbers a batch'),
    ('state', 'a number of the schedule'),
    ('right[', 'the trunk\'s gradient: two neighbours a lane, one after the other'),
    ('left[', 'the trunk\'s gradient: a unit for 32 or 16 lanes'),
    ('first_moment', 'the trunk\'s update: rows of an odd number of floats'),
    ('second_moment', 'the trunk\'s update: rows of an odd number of floats'),
    ('value =', 'the trunk\'s update: rows of an odd number of floats'),
    ('multiply_add(', 'the trunk\'s update: rows of an odd number of floats'),
]


def demangled(name):
    text = subprocess.run(['c++filt', name], capture_output=True, text=True, check=True).stdout
    return re.sub(r'.*?(\w+)(<.*)?\(.*', r'\1', text.strip().replace('(anonymous namespace)::', ''))


# --- counters -----------------------------------------------------------------------------------

def profile(build, driver, cells):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'profile.json'
        environment = {**os.environ, 'CUDA_ON_CPU_PROFILE': str(path)}
        subprocess.run([build / 'bench/bench_cuda_step', driver, str(cells), str(GENES)],
                       check=True, env=environment, stdout=subprocess.DEVNULL)
        return json.loads(path.read_text())


def subtract(more, less):
    """Every number of `more` minus that of `less`, through dictionaries; accesses by their line."""
    if isinstance(more, dict):
        return {key: subtract(value, less.get(key, 0) if isinstance(less, dict) else 0)
                for key, value in more.items()}
    if isinstance(more, (int, float)) and isinstance(less, (int, float)):
        return more - less
    return more


def by_name(counted):
    kernels = {}
    for kernel in counted['kernels']:
        kernel['accesses'] = {(a['file'], a['line'], a['kind']): {
            k: v for k, v in a.items() if k not in ('file', 'line', 'kind')}
            for a in kernel['accesses']}
        kernels[demangled(kernel['name'])] = kernel
    return kernels


def scaled(value, factor):
    if isinstance(value, dict):
        return {key: scaled(v, factor) for key, v in value.items()}
    return value * factor if isinstance(value, (int, float)) else value


def a_step(build, driver):
    """Counts of one step, by kernel: the difference of two epochs over their batches."""
    short, long = by_name(profile(build, driver, SHORT)), by_name(profile(build, driver, LONG))
    steps = (LONG - SHORT) // BATCH
    return {name: scaled(subtract(kernel, short[name]), 1 / steps)
            for name, kernel in long.items()}


def global_bytes(kernel):
    return SECTOR * sum(kernel['global_' + kind]['sectors'] for kind in ('load', 'store', 'atomic'))


def used_bytes(kernel):
    return sum(kernel['global_' + kind]['distinct_bytes'] for kind in ('load', 'store', 'atomic'))


def accesses_of(kernels):
    """Global accesses of all kernels by source line: sectors' bytes and distinct bytes."""
    lines = {}
    for kernel in kernels.values():
        for (file, line, kind), counts in kernel['accesses'].items():
            if not kind.startswith('global') or not counts['sectors']:
                continue
            entry = lines.setdefault((file, line, kind), [0, 0])
            entry[0] += SECTOR * counts['sectors']
            entry[1] += counts['distinct_bytes']
    return lines


# --- the least that is needed -------------------------------------------------------------------

NONZEROS = 0.4 * BATCH * GENES
WIDE = BATCH * GENES * HIDDEN  # multiply-adds of one product of a wide layer
TRUNK = BATCH * 2 * HIDDEN * LATENT  # and of both inner layers
ADAM = 14  # operations a parameter: kernels/math/adam.h, with quotient and root as one each
BIOZERO = 2 * 16  # multiply-adds of the Chebyshev sum, for each zero
N_TRUNK = 2 * HIDDEN * LATENT + 3 * (2 * HIDDEN + LATENT)

LEAST_OPERATIONS = {
    'encode_kernel': 2 * WIDE + BIOZERO * (BATCH * GENES - NONZEROS),
    'trunk_forward_kernel': 2 * TRUNK + SLICES * BATCH * HIDDEN,
    'decode_kernel': 6 * WIDE + ADAM * GENES * (HIDDEN + 1),
    'trunk_backward_kernel': 2 * TRUNK + SLICES * BATCH * HIDDEN,
    'encode_backward_kernel': 2 * WIDE + ADAM * (GENES * HIDDEN + N_TRUNK) + 2 * TRUNK,
}
LEAST_OPERATIONS['persistent_kernel'] = sum(LEAST_OPERATIONS.values())

COLUMNS = BATCH * SLICES * 8 + 4 * NONZEROS  # the batch's, in their stored form
PARTIAL = 4 * SLICES * BATCH * HIDDEN
ACTIVATIONS = 4 * BATCH * HIDDEN
LAYER = 4 * GENES * HIDDEN
TRUNK_ROWS = 4 * BATCH * (2 * HIDDEN + LATENT)
LEAST_BYTES = {
    'encode_kernel': COLUMNS + LAYER + PARTIAL,
    'trunk_forward_kernel': PARTIAL + 4 * N_TRUNK + 2 * TRUNK_ROWS,
    'decode_kernel': COLUMNS + 6 * LAYER + ACTIVATIONS + PARTIAL,
    'trunk_backward_kernel': PARTIAL + 4 * N_TRUNK + 2 * TRUNK_ROWS,
    'encode_backward_kernel': COLUMNS + 6 * LAYER + ACTIVATIONS + TRUNK_ROWS + 24 * N_TRUNK,
    'persistent_kernel': COLUMNS + 4 * PARTIAL + 2 * ACTIVATIONS + 2 * TRUNK_ROWS,
}


# --- tables -------------------------------------------------------------------------------------

def table(header, rows):
    lines = ['| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header)]
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def counts_table(steps):
    rows = []
    for driver, kernels in steps.items():
        for name in LEAST_OPERATIONS:
            if name not in kernels:
                continue
            k = kernels[name]
            wavefronts = k['shared_load']['wavefronts'] + k['shared_store']['wavefronts']
            rows.append([
                driver, '`%s`' % name,
                '%.0f' % k['launches'] if driver == 'graph' else '-',
                '%.2f / %.2f' % (k['fp32_flops'] / 1e6, LEAST_OPERATIONS[name] / 1e6),
                '%.0f / %.0f' % (global_bytes(k) / 1e3, LEAST_BYTES[name] / 1e3),
                '%.0f %%' % (100 * used_bytes(k) / global_bytes(k)),
                '%.0f' % wavefronts,
                '%.1f %%' % (100 * k['shared_bank_conflicts'] / wavefronts)])
    return table(['driver', 'kernel', 'launches', 'Mflop / least', 'global KB / least',
                  'sectors used', 'shared wavefronts', 'of them conflicts'], rows)


def source_line(file, line):
    try:
        return pathlib.Path(file).read_text().split('\n')[line - 1].strip()
    except OSError:
        return ''


def reason_of(text):
    return next((reason for key, reason in REASONS if key in text), '**not explained**')


def accesses_table(steps):
    """The accesses that use less than 80 % of their sectors, and their part of the step's bytes."""
    rows = []
    parts = []
    for driver, kernels in steps.items():
        lines = accesses_of(kernels)
        total = sum(bytes_ for bytes_, _ in lines.values())
        poor = {key: value for key, value in lines.items() if value[1] < 0.8 * value[0]}
        parts.append('%s: %.1f %%' % (driver, 100 * sum(v[0] for v in poor.values()) / total))
        for (file, line, kind), (bytes_, used) in sorted(poor.items(), key=lambda e: -e[1][0]):
            text = source_line(file, line)
            rows.append([driver, '`%s:%d`' % (os.path.basename(file), line),
                         kind.replace('global_', ''), '%.2f %%' % (100 * bytes_ / total),
                         '%.0f %%' % (100 * used / bytes_), reason_of(text)])
    return ('Together, of the step\'s bytes: ' + '; '.join(parts) + '.\n\n' + table(
        ['driver', 'line', 'access', 'of the step\'s bytes', 'sectors used', 'reason'], rows))


def goals_table(steps):
    graph, persistent = steps['graph'], steps['persistent']['persistent_kernel']
    budget = 3 * (COLUMNS + 2 * PARTIAL)
    rows = [['launches a step, graph', 'at most 5',
             '%.0f' % sum(k['launches'] for k in graph.values())],
            ['grid barriers a step, persistent', 'at most 4', '%.0f' % persistent['grid_syncs']],
            ['global KB a step, persistent', 'at most %.0f' % (budget / 1e3),
             '%.0f' % (global_bytes(persistent) / 1e3)]]
    for driver, kernels in steps.items():
        total = sum(global_bytes(k) for k in kernels.values())
        used = sum(used_bytes(k) for k in kernels.values())
        lines = accesses_of(kernels)
        poor = sum(b for b, u in lines.values() if u < 0.8 * b)
        rows.append(['sectors used over the step, ' + driver, 'at least 80 %',
                     '%.1f %%' % (100 * used / total)])
        rows.append(['accesses below 80 %%, %s' % driver, 'at most 5 % of the bytes',
                     '%.1f %%' % (100 * poor / total)])
    return table(['what', 'goal', 'counted'], rows)


# --- registers ----------------------------------------------------------------------------------

def resources():
    """{kernel: {architecture: (registers, spilled bytes, static shared bytes)}} from ptxas."""
    found = {}
    for source in ('training_step.cu', 'persistent_step.cu'):
        command = ['nvcc', '-std=c++20', '-fmad=false', '-O3', '-I%s' % ROOT, '-Xptxas=-v', '-c',
                   str(ROOT / 'kernels/cuda' / source), '-o', os.devnull]
        for arch in ARCHITECTURES:
            command += ['-gencode', 'arch=compute_%d,code=sm_%d' % (arch, arch)]
        log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
        for name, arch, spill, registers, rest in re.findall(
                r"entry function '(\w+)' for 'sm_(\d+)'.*?(\d+) bytes spill stores.*?"
                r"Used (\d+) registers([^\n]*)", log, re.S):
            shared = re.search(r'(\d+) bytes smem', rest)
            label = demangled(name)
            for part, text in (('AnyWidths', 'any widths'), ('Lb0E', 'inference'),
                               ('PrecisionE1', 'tf32')):
                if part in name:
                    label += ', ' + text
            found.setdefault(label, {})[int(arch)] = (
                int(registers), int(spill), int(shared.group(1)) if shared else 0)
    return found


def occupancy(arch, registers, shared):
    threads, all_registers, kilobytes = LIMITS[arch]
    a_warp = -(-registers * 32 // 256) * 256
    reserved = 0 if arch == 75 else 1024
    blocks = min(threads // THREADS, all_registers // (a_warp * THREADS // 32),
                 kilobytes * 1024 // max(1, shared + reserved))
    return blocks * THREADS / threads


def resources_table(dynamic):
    """Registers and occupancy a kernel and architecture; dynamic shared bytes by kernel."""
    rows = []
    for name, by_arch in sorted(resources().items()):
        shared = max(v[2] for v in by_arch.values()) + dynamic.get(name.split(',')[0], 0)
        cells = []
        for arch in ARCHITECTURES:
            registers, spill, static = by_arch[arch]
            share = occupancy(arch, registers, static + dynamic.get(name.split(',')[0], 0))
            cells.append('%d%s, %s' % (registers, ', **%d spilled**' % spill if spill else '',
                                       '%.0f %%' % (100 * share) if share else 'too large'))
        rows.append(['`%s`' % name, '%.1f' % (shared / 1024)] + cells)
    return table(['kernel', 'shared KB'] + ['%.1f' % (a / 10) for a in ARCHITECTURES], rows)


# --- the model ----------------------------------------------------------------------------------

# Stated in docs/CUDA.md with their sources: multiprocessors, GHz, L2 bytes a second, seconds of a
# dependent launch in a graph, of a barrier of the grid, of a load from L2.
GPUS = {'A100': (108, 1.41e9, 5.0e12, 1.5e-6, 1.3e-6, 0.20e-6),
        'H100': (132, 1.75e9, 5.5e12, 1.3e-6, 1.2e-6, 0.16e-6),
        'B200': (148, 1.85e9, 9.0e12, 1.3e-6, 1.3e-6, 0.19e-6)}
BLOCKS = {'encode_kernel': SLICES, 'decode_kernel': SLICES, 'encode_backward_kernel': SLICES + 4,
          'trunk_forward_kernel': 4, 'trunk_backward_kernel': 4}
# Loads from L2 that wait for each other: row number, segment, values; activations; a slice's or
# trunk's weights; 8 partial sums are under way at a time.
CHAINS = {'encode_kernel': 5, 'trunk_forward_kernel': 2 + -(-SLICES // 8), 'decode_kernel': 6,
          'trunk_backward_kernel': 2 + -(-SLICES // 8), 'encode_backward_kernel': 6}


def phase_time(kernel, blocks, gpu):
    """The busiest multiprocessor: arithmetic or shared memory, whichever takes longer; or L2."""
    _, clock, l2, _, _, _ = gpu
    instructions = sum(v for k, v in kernel['thread_instructions'].items() if k != 'total')
    issue = instructions / 32 / 4 / blocks / clock  # four schedulers, a warp instruction a cycle
    wavefronts = (kernel['shared_load']['wavefronts'] + kernel['shared_store']['wavefronts'])
    return max(issue, wavefronts / blocks / clock, global_bytes(kernel) / l2)


def model_table(steps, pytorch):
    graph = steps['graph']
    rows = []
    n_steps = -(-5000 // BATCH)
    for name, gpu in GPUS.items():
        _, _, _, launch, barrier, load = gpu
        work = {k: phase_time(graph[k], BLOCKS[k], gpu) for k in BLOCKS}
        waits = {k: CHAINS[k] * load for k in BLOCKS}
        graph_step = sum(work.values()) + sum(waits.values()) + 5 * launch
        # The same phases on chip: phases 3 and 5 need not gather, draw or load weights again.
        persistent = steps['persistent']['persistent_kernel']
        share = (sum(v for v in persistent['thread_instructions'].values())
                 / sum(sum(v for v in graph[k]['thread_instructions'].values()) for k in BLOCKS))
        chain = (CHAINS['encode_kernel'] - 1 + CHAINS['trunk_forward_kernel'] + 1
                 + CHAINS['trunk_backward_kernel'] + 1)
        persistent_step = min(1, share) * sum(work.values()) + 4 * barrier + chain * load
        row = [name]
        for step in (graph_step, persistent_step):
            row += ['%.0f' % (1e6 * step), '%.1f' % (300 * n_steps * step)]
        if pytorch:
            row.append('%.0f' % (1e6 * pytorch * launch))
        rows.append(row)
    header = ['GPU', 'graph: us a step', 's a run', 'persistent: us a step', 's a run']
    if pytorch:
        header.append('%d launches of PyTorch at a graph\'s latency alone: us a step' % pytorch)
    return table(header, rows)


# --- the document -------------------------------------------------------------------------------

def put(document, name, text):
    pattern = re.compile(r'(<!-- begin %s -->\n).*?(<!-- end -->)' % name, re.S)
    if not pattern.search(document):
        sys.exit('docs/CUDA.md has no place for ' + name)
    return pattern.sub(lambda m: m.group(1) + text + '\n' + m.group(2), document)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='the build folder of preset cuda-on-cpu')
    parser.add_argument('--pytorch', help='a Python interpreter that has torch')
    parser.add_argument('--no-resources', action='store_true', help='leave the registers alone')
    options = parser.parse_args()
    path = ROOT / 'docs/CUDA.md'
    document = path.read_text()
    build = options.build.resolve()
    steps = {driver: a_step(build, driver) for driver in ('graph', 'persistent')}
    pytorch = None
    if options.pytorch:
        counted = json.loads(subprocess.run(
            [options.pytorch, ROOT / 'bench/pytorch_step_operations.py'], check=True,
            capture_output=True, text=True).stdout)
        pytorch = counted['fused']['operations']
        document = put(document, 'pytorch', table(
            ['optimizer', 'operations a step', 'of them the optimizer\'s'],
            [[name, str(counted[name]['operations']), str(counted[name]['of the optimizer'])]
             for name in ('foreach', 'fused')]) + '\n\nPyTorch %s.' % counted['torch'])
    document = put(document, 'goals', goals_table(steps))
    document = put(document, 'counts', counts_table(steps))
    document = put(document, 'accesses', accesses_table(steps))
    document = put(document, 'model', model_table(steps, pytorch))
    if not options.no_resources:
        dynamic = {name: kernel['max_dynamic_shared_bytes']
                   for driver in ('graph', 'persistent')
                   for name, kernel in by_name(profile(build, driver, BATCH)).items()}
        document = put(document, 'resources', resources_table(dynamic))
    path.write_text(document)


if __name__ == '__main__':
    main()
