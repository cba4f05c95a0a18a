#!/usr/bin/env python3
"""Plants faults in copies of the CUDA sources, and demands that the tests catch each of them.

    planted_faults.py files
        prints the files of kernels/cuda that it copies, separated by semicolons
    planted_faults.py plant SOURCE_FOLDER OUTPUT_FOLDER
        writes the copies, and planted_faults.tsv: a fault a line
    planted_faults.py run PROGRAM OUTPUT_FOLDER
        runs the test program that was built of the copies once without a fault, in each mode of
        cuda-on-cpu, then with each fault until a mode fails; 0 where every fault is caught

All faults are in one set of copies, behind a switch, `planted(number)`, which is false for all
numbers but the one that the program is started with (MASKCLASS_PLANTED_FAULT): so everything is
compiled once. An edit whose place is not found, or found twice, is an error: a fault that is not
there would seem to be caught by nobody, or by luck.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

# The copies are compiled in the place of these; headers are found through the include path.
COMPILED = ['training/persistent_step.cu', 'training/training_step.cu', 'training/driver.cpp',
            'cuda_backend.cpp', 'memory/columns.cu', 'memory/network_memory.cpp',
            'memory/step_memory.cpp', 'preprocess/library_sizes.cu', 'preprocess/normalise.cu',
            'preprocess/gene_scaling.cu', 'output/biozero_posterior.cu', 'output/finish.cu',
            'evaluate/gene_products.cu', 'ops/linear_norm_silu.cu', 'ops/masked_loss.cu']
HEADERS = ['ops/adam.cuh', 'ops/block_reduce.cuh', 'ops/corrupt.cuh', 'ops/linear_norm_silu.cuh',
           'ops/masked_loss.cuh', 'preprocess/radix_select.cuh', 'training/products.cuh', 'training/training_args.cuh',
           'training/trunk.cuh', 'training/wide_layers.cuh']
FOLDERS = dict(reversed(path.split('/')) for path in COMPILED + HEADERS if '/' in path)

# What a fault is tested with: a driver of the training step, both, or the tests of a family.
TESTS = {'both': '--test-case=graph*,persistent*,streaming*',
         'graph': '--test-case=graph*',
         'persistent': '--test-case=persistent*',
         'streaming': '--test-case=streaming*',
         'libraries': '--source-file=*libraries_test.cpp',
         'normalise': '--source-file=*normalise_test.cpp',
         'scaling': '--source-file=*gene_scaling_test.cpp',
         'posterior': '--source-file=*biozero_posterior_test.cpp',
         'finish': '--source-file=*finish_test.cpp',
         'products': '--source-file=*gene_products_test.cpp',
         'operations': '--source-file=*operations_test.cpp',
         'all': '--test-case=*'}

# Every barrier in these files is left out, one at a time.
BARRIERS = {'persistent_step.cu': 'persistent', 'training_step.cu': 'graph', 'trunk.cuh': 'both',
            'masked_loss.cuh': 'both', 'corrupt.cuh': 'both', 'columns.cu': 'both',
            'radix_select.cuh': 'scaling', 'biozero_posterior.cu': 'posterior',
            'finish.cu': 'finish', 'gene_products.cu': 'products',
            'linear_norm_silu.cu': 'operations'}
BARRIER = re.compile(r'(__syncthreads|__syncwarp)\(\);')

# Barriers that this test cannot miss, by the text before them, with the reason.
NOT_PLANTED = {
    'training_step.cu': [
        ('for (int chunk = 0; chunk < chunks_of(args.widths); ++chunk) {\n    if (chunk > 0) ',
         'for hidden layers wider than a chunk'),
        ('for (int chunk = 0; chunk < n_chunks; ++chunk) {\n      if (n_chunks > 1) {\n        ',
         'for hidden layers wider than a chunk'),
        ('load_weights(chunk);\n        ', 'for hidden layers wider than a chunk'),
        ('units_of(args.widths, chunk), hidden);\n    ', 'reconstruction, which is not run'),
        ('const int n_cells = batch.cells_in_tile(tile_index);\n    ',
         'the barriers of the tile before come after the last use of its cells'),
        ('for (int chunk = 0; chunk < n_chunks; ++chunk) {\n      ',
         'for hidden layers wider than a chunk: a warp fills the rows that it reads'),
    ],
    'persistent_step.cu': [
        ('if (kPrecision == Precision::fp32) {\n    ',
         'cuda-on-cpu takes the shuffles before it for a barrier of the warp, which CUDA does not'),
        ('  } else {\n    ', 'for tensor cores'),
    ],
    'radix_select.cuh': [
        ('Scan(shared.scan).ExclusiveSum(own, before);\n    ',
         'CUB asks for it, but the scan that it takes today reads and writes a place a thread'),
    ],
    'linear_norm_silu.cu': [
        ('normalised[o] = row[o];\n      ', 'as in persistent_step.cu'),
    ],
}

# (what, tests, [(file, text, what takes its place)]): FAULT is the switch.
EDITS = [
    ('a butterfly that starts at half the width', 'both',
     [('block_reduce.cuh', 'int distance = kWarpSize / 2;',
       'int distance = FAULT ? kWarpSize / 4 : kWarpSize / 2;')]),
    ('a shuffle mask of half a warp', 'both',
     [('block_reduce.cuh', '__shfl_xor_sync(kAllLanes,',
       '__shfl_xor_sync(FAULT ? 0xFFFFu : kAllLanes,')]),
    ('a sum over the block without its last warp', 'both',
     [('block_reduce.cuh', 'warp < kWarps;', 'warp < (FAULT ? kWarps - 1 : kWarps);')]),
    ('cells in the order of the data set', 'both',
     [('columns.cu', 'row = order[first_cell + k];',
       'row = FAULT ? first_cell + k : order[first_cell + k];')]),
    ('segments of the cell beside', 'both',
     [('columns.cu', 'tile[lane][k];', 'tile[FAULT ? lane ^ 1 : lane][k];')]),
    ('mask bits of half the genes', 'both',
     [('corrupt.cuh', 'distance < kQuads;', 'distance < (FAULT ? kQuads / 2 : kQuads);')]),
    ('a value of the gene beside', 'both',
     [('corrupt.cuh', '((1u << (4 * quad)) - 1u)',
       '((FAULT ? 2u << (4 * quad) : 1u << (4 * quad)) - 1u)')]),
    ('one gene too many', 'both',
     [('corrupt.cuh', 'gene >= columns.n_genes',
       '(FAULT ? gene > columns.n_genes : gene >= columns.n_genes)')]),
    ('a random word of the gene beside', 'both',
     [('corrupt.cuh', 'word_of(words, k);', 'word_of(words, FAULT ? k ^ 1 : k);')]),
    ('noise of the gene beside', 'both',
     [('corrupt.cuh', 'word_of(words, gene & 3)',
       'word_of(words, FAULT ? (gene + 1) & 3 : gene & 3)')]),
    ('the segment of the slice beside', 'both',
     [('corrupt.cuh', 'ordered.segments[slice *',
       'ordered.segments[(FAULT && slice > 0 ? slice - 1 : slice) *')]),
    ('coefficients of the gene beside', 'both',
     [('corrupt.cuh', 'columns.biozero_coefficients[first + k]',
       'columns.biozero_coefficients[first + (FAULT ? (k + kBiozeroTerms) % n : k)]')]),
    ('a denominator without its last part', 'both',
     [('masked_loss.cuh', 'zeros += part.masked_zeros;',
       'if (FAULT && k == n - 1) break;\n    zeros += part.masked_zeros;')]),
    ('the weight of a zero for a non-zero', 'both',
     [('masked_loss.cuh', 'present ? how.nonzero_weight',
       '(FAULT ? !present : present) ? how.nonzero_weight')]),
    ('partial sums of the cell beside', 'both',
     [('wide_layers.cuh', 'first_cell + mine.row(r);',
       'first_cell + mine.row(FAULT ? r ^ 1 : r);')]),
    ('a bias gradient without the last cell', 'both',
     [('wide_layers.cuh', 'cell < kTileCells; ++cell) sum',
       'cell < (FAULT ? 5 : kTileCells); ++cell) sum')]),
    ('a weight updated by its neighbour\'s gradient', 'both',
     [('adam.cuh', 'adam_update(adam, gradient1,',
       'adam_update(adam, FAULT ? gradient0 : gradient1,')]),
    ('a trunk that leaves out the last slice', 'both',
     [('trunk.cuh', 'slice < group.n_slices;',
       'slice < (FAULT ? group.n_slices - 1 : group.n_slices);')]),
    ('a trunk that reads one slice too many', 'both',
     [('trunk.cuh', 'sum1 += partial[slice * stride',
       'sum1 += partial[(FAULT ? slice + 1 : slice) * stride')]),
    ('a gradient of the trunk without the last cell', 'both',
     [('trunk.cuh', 'block.n_out, n_cells, mine',
       'block.n_out, n_cells - (FAULT ? 1 : 0), mine')]),
    ('a gradient of the trunk from the unit beside', 'both',
     [('linear_norm_silu.cuh', 'const float2*>(right + o)', 'const float2*>(right + (FAULT ? 0 : o))')]),
    ('weights of the trunk at the place of the dense rows', 'both',
     [('trunk.cuh', 'k / from.n_out * to.weight_stride',
       'k / from.n_out * (FAULT ? from.weight_stride : to.weight_stride)')]),
    ('rows of the batch that are not fetched', 'persistent',
     [('persistent_step.cu', 'k < own_begin ||', 'k < own_begin - (FAULT ? 1 : 0) ||')]),
    ('gains that miss the last group', 'both',
     [('trunk.cuh', 'group < gradients.n_groups;',
       'group < (FAULT ? gradients.n_groups - 1 : gradients.n_groups);')]),
    ('a batch that starts one cell late', 'both',
     [('training_args.cuh', 'return {index, first,', 'return {index, first + (FAULT ? 1 : 0),')]),
    ('Adam\'s factors of the next step', 'persistent',
     [('persistent_step.cu', 'load_step(args.schedule.adam[step], shared.adam);',
       'load_step(args.schedule.adam[FAULT ? step + 1 : step], shared.adam);')]),
    ('weights that are not stored', 'persistent',
     [('persistent_step.cu', 'resident[slice - first_slice], true);',
       'resident[slice - first_slice], !FAULT);')]),
    ('a step that does not count on', 'graph',
     [('training_step.cu', 'written.next = index + 1;',
       'written.next = FAULT ? index : index + 1;')]),
    ('a saved gradient of the tile beside', 'graph',
     [('training_step.cu', '* most_tiles(args) + tile_index;\n    return',
       '* most_tiles(args) + (FAULT ? 0 : tile_index);\n    return')]),
    ('a graph on another stream', 'graph',
     [('driver.cpp', 'graph_.launch(stream_,', 'graph_.launch(FAULT ? nullptr : stream_,')]),
    ('losses read before they are there', 'both',
     [('cuda_backend.cpp', 'work_[k]->done.wait("training on the GPU");',
       'if (!FAULT) work_[k]->done.wait("training on the GPU");')]),
    ('cells that are read before they are copied', 'streaming',
     [('cuda_backend.cpp', 'work.loaded.make_wait(context_.stream);',
       'if (!FAULT) work.loaded.make_wait(context_.stream);')]),
    ('weights read before they are there', 'both',
     [('network_memory.cpp', 'synchronise(context.stream, "copying the weights from the GPU");',
       'if (!FAULT) synchronise(context.stream, "copying the weights from the GPU");')]),
    ('weights that change before they are copied', 'both',
     [('network_memory.cpp', 'synchronise(context.stream, "copying the weights to the GPU");',
       'if (!FAULT) synchronise(context.stream, "copying the weights to the GPU");')]),
    ('moments that are not cleared', 'both',
     [('network_memory.cpp', 'array.second_moment.clear(context,',
       'if (!FAULT) array.second_moment.clear(context,')]),
    ('a schedule that is not copied', 'both',
     [('step_memory.cpp', 'state_.upload(', 'if (!FAULT) state_.upload(')]),
    ('a library without its last count', 'libraries',
     [('library_sizes.cu', 'end = indptr[cell + 1] - first_nonzero;',
       'end = indptr[cell + 1] - first_nonzero - (FAULT ? 1 : 0);')]),
    ('a sum that starts at half the width', 'libraries',
     [('library_sizes.cu', 'distance = kWarp / 2;',
       'distance = FAULT ? kWarp / 4 : kWarp / 2;')]),
    ('a shuffle mask of half a warp', 'libraries',
     [('library_sizes.cu', '0xFFFFFFFFu', 'FAULT ? 0xFFFFu : 0xFFFFFFFFu')]),
    ('the last empty cell for the first', 'libraries',
     [('library_sizes.cu', 'atomicMin(&statistics->first_empty_cell, static_cast<unsigned long long>(cell));',
       'FAULT ? atomicExch(&statistics->first_empty_cell, (unsigned long long)cell)'
       ' : atomicMin(&statistics->first_empty_cell, (unsigned long long)cell);')]),
    ('a median one rank too high', 'libraries',
     [('library_sizes.cu', '= {position.lower};', '= {position.lower + (FAULT ? 1 : 0)};')]),
    ('a histogram that is not cleared', 'scaling',
     [('radix_select.cuh', 'shared.histogram[bin / kBins][bin % kBins] = 0;',
       'if (!FAULT) shared.histogram[bin / kBins][bin % kBins] = 0;')]),
    ('counts that overwrite each other', 'scaling',
     [('radix_select.cuh', 'atomicAdd(&shared.histogram[r][at], 1u);',
       'FAULT ? ++shared.histogram[r][at] : atomicAdd(&shared.histogram[r][at], 1u);')]),
    ('a rank that is not counted from its bin', 'scaling',
     [('radix_select.cuh', 'shared.remaining[r] = wanted - before;',
       'shared.remaining[r] = FAULT ? wanted : wanted - before;')]),
    ('the value itself for the next one', 'scaling',
     [('radix_select.cuh', 'value > at && value < smallest',
       '(FAULT ? value >= at : value > at) && value < smallest')]),
    ('a next value without the others', 'scaling',
     [('radix_select.cuh', 'atomicMin(&shared.next[r], smallest);',
       'FAULT ? atomicExch(&shared.next[r], smallest) : atomicMin(&shared.next[r], smallest);')]),
    ('a sort by too few bits', 'scaling',
     [('gene_scaling.cu', '(std::int64_t{1} << bits) < n_genes)',
       '(std::int64_t{1} << bits) < (FAULT ? n_genes / 2 : n_genes))')]),
    ('values of the gene before', 'scaling',
     [('gene_scaling.cu', 'sorted_genes[middle] < gene',
       '(FAULT ? sorted_genes[middle] <= gene : sorted_genes[middle] < gene)')]),
    ('quantiles without the zeros', 'scaling',
     [('gene_scaling.cu', 'n_zeros = n_cells - n_nonzeros;',
       'n_zeros = FAULT ? 0 : n_cells - n_nonzeros;')]),
    ('one number too many is scaled', 'scaling',
     [('gene_scaling.cu', 'if (k < n_nonzeros) scaled[k]',
       'if (FAULT ? k <= n_nonzeros : k < n_nonzeros) scaled[k]')]),
    ('the size factor of the cell beside', 'normalise',
     [('normalise.cu', 'size_factors[cell];', 'size_factors[FAULT ? cell ^ 1 : cell];')]),
    ('the last count for the largest', 'normalise',
     [('normalise.cu', 'if (value > *static_cast<volatile unsigned*>(largest))',
       'if (FAULT) *largest = value;\n  else if (value > *static_cast<volatile unsigned*>(largest))')]),
    ('parameters of the gene beside', 'posterior',
     [('biozero_posterior.cu', 'genes[gene];', 'genes[FAULT ? (gene + 1) % n_genes : gene];')]),
    ('counts of the cell beside', 'posterior',
     [('biozero_posterior.cu', 'end = indptr[cell + 1] - first_nonzero;',
       'end = indptr[cell + (FAULT ? 2 : 1)] - first_nonzero;')]),
    ('the last gene left out', 'finish',
     [('finish.cu', 'gene < args.n_genes;', 'gene < args.n_genes - (FAULT ? 1 : 0);')]),
    ('the factor of the cell beside', 'finish',
     [('finish.cu', 'args.library_factors[cell]', 'args.library_factors[FAULT ? cell ^ 1 : cell]')]),
    ('an observed count left out', 'finish',
     [('finish.cu', 'end = args.indptr[cell + 1] - args.first_nonzero;',
       'end = args.indptr[cell + 1] - args.first_nonzero - (FAULT ? 1 : 0);')]),
    ('the mean of the gene beside', 'products',
     [('gene_products.cu', 'means[at % n_genes]', 'means[(FAULT ? at + 1 : at) % n_genes]')]),
    ('a tile that is not turned', 'products',
     [('gene_products.cu', '= tile[threadIdx.x][i];',
       '= tile[FAULT ? i : threadIdx.x][FAULT ? threadIdx.x : i];')]),
    ('tiles above the diagonal left out', 'products',
     [('gene_products.cu', 'if (blockIdx.x > blockIdx.y) return;',
       'if (FAULT ? blockIdx.x != blockIdx.y : blockIdx.x > blockIdx.y) return;')]),
    ('an input left out', 'operations',
     [('linear_norm_silu.cu', 'k < n_in; k += kWarpSize) staged.in',
       'k < n_in - (FAULT ? 1 : 0); k += kWarpSize) staged.in')]),
    ('the gradient of another parameter', 'operations',
     [('linear_norm_silu.cu', 'gradients.shift[unit] = sums.shift;',
       'gradients.shift[unit] = FAULT ? sums.gain : sums.shift;')]),
    ('a denominator of the block\'s first entries', 'operations',
     [('masked_loss.cu', 'sums.biozero += entries.biozero[k];',
       'sums.biozero += FAULT && k > first + kThreads ? 0.0f : entries.biozero[k];')]),
]

# The copies leave out what the test does not run, which halves the time of compilation.
LEFT_OUT = [('training_step.cu', 'work(AnyWidths{shape.hidden, shape.latent});', ''),
            ('training_step.cu', 'launch_step_in<Precision::tf32>(',
             'launch_step_in<Precision::fp32>('),
            ('persistent_step.cu', '? persistent_kernel<Precision::tf32>',
             '? persistent_kernel<Precision::fp32>')]

SWITCH = '''#pragma once
#include <cuda_runtime_api.h>
namespace maskclass::test {
inline int planted_on_host = 0;
#ifdef __CUDACC__
static __constant__ int planted_on_device;
#endif
#ifdef __CUDACC__
__host__ __device__
#endif
inline bool planted(int fault) {
#ifdef __CUDA_ARCH__
  return planted_on_device == fault;
#else
  return planted_on_host == fault;
#endif
}
}  // namespace maskclass::test
'''
PLANT_ON_DEVICE = '''
namespace maskclass::test {
cudaError_t plant_in_%s(int fault) {
  return cudaMemcpyToSymbol(planted_on_device, &fault, sizeof fault);
}
}  // namespace maskclass::test
'''

MODES = ['ORDER=forward', 'ORDER=reverse', 'ORDER=7', 'RACES=1']


def switch(number):
    return '::maskclass::test::planted(%d)' % number


class Copies:
    def __init__(self, source):
        self.texts = {}
        self.originals = {}
        for path in COMPILED + HEADERS:
            name = os.path.basename(path)
            self.originals[name] = (source / 'kernels/cuda' / path).read_text()
            self.texts[name] = self.originals[name]
        self.faults = []

    def replace(self, name, old, new):
        found = self.originals[name].count(old)
        if found != 1:
            sys.exit('planted_faults.py: %s has %d times: %s' % (name, found, old))
        if self.texts[name].count(old) != 1:
            sys.exit('planted_faults.py: another fault is at the same place of %s: %s'
                     % (name, old))
        self.texts[name] = self.texts[name].replace(old, new)

    def add_edits(self, edits):
        for what, tests, changes in edits:
            self.faults.append((what, tests, False))
            for name, old, new in changes:
                self.replace(name, old, new.replace('FAULT', switch(len(self.faults))))

    def remove_barriers(self):
        for name, tests in BARRIERS.items():
            skipped = [text for text, _ in NOT_PLANTED.get(name, [])]
            used = set()
            lines = iter([self.originals[name].count('\n', 0, match.start()) + 1
                          for match in BARRIER.finditer(self.originals[name])])

            def removed(match):
                line = next(lines)
                before = match.string[:match.start()]
                for text in skipped:
                    if before.endswith(text):
                        used.add(text)
                        return match.group(0)
                self.faults.append(('no %s in %s:%d' % (match.group(1), name, line), tests, True))
                return 'if (!%s) %s' % (switch(len(self.faults)), match.group(0))
            self.texts[name] = BARRIER.sub(removed, self.texts[name])
            for text in skipped:
                if text not in used:
                    sys.exit('planted_faults.py: no barrier in %s after: %s' % (name, text))

    def remove_grid_barriers(self):
        """The k-th of a step, for the slices and for the trunk."""
        text = self.texts['persistent_step.cu']
        places = [m.start() for m in re.finditer(r'grid\.sync\(\);', text)]
        if len(places) != 8:
            sys.exit('planted_faults.py: %d grid barriers, not 4 for each role' % len(places))
        first = len(self.faults)
        for k in range(4):
            self.faults.append(('no grid barrier %d' % (k + 1), 'persistent', True))
        for k in reversed(range(8)):
            text = '%sif (!%s) %s' % (text[:places[k]], switch(first + k % 4 + 1),
                                      text[places[k]:])
        self.texts['persistent_step.cu'] = text

    def write(self, output):
        (output / 'planted_fault.h').write_text(SWITCH)
        for name, text in self.texts.items():
            if name.endswith('.cu'):
                text += PLANT_ON_DEVICE % name.replace('.cu', '')
            if not name.endswith('h'):
                text = '#include "planted_fault.h"\n' + text
            path = output / 'kernels/cuda' / FOLDERS.get(name, '') / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_if_new(path, text)
        write_if_new(output / 'planted_faults.tsv', ''.join(
            '%d\t%s\t%s\t%s\n' % (k + 1, tests, 'barrier' if barrier else 'value', what)
            for k, (what, tests, barrier) in enumerate(self.faults)))


def write_if_new(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def plant(source, output):
    copies = Copies(pathlib.Path(source))
    for name, old, new in LEFT_OUT:
        copies.replace(name, old, new)
    copies.add_edits(EDITS)
    copies.remove_grid_barriers()
    copies.remove_barriers()
    copies.write(pathlib.Path(output))


def passes(program, fault, tests, mode):
    environment = {**os.environ, 'MASKCLASS_PLANTED_FAULT': str(fault), 'CUDA_ON_CPU_SMS': '6',
                   'CUDA_ON_CPU_THREADS': '1', 'CUDA_ON_CPU_SPIN_SECONDS': '10',
                   'CUDA_ON_CPU_' + mode.split('=')[0]: mode.split('=')[1]}
    command = [program, TESTS[tests]]
    try:
        return subprocess.run(command, env=environment, timeout=900, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def caught_by(program, number, tests, kind):
    """The first mode that fails; None where none does."""
    for mode in reversed(MODES) if kind == 'barrier' else MODES:
        if not passes(program, number, tests, mode):
            return mode
    return None


def run(program, output):
    faults = [line.rstrip('\n').split('\t')
              for line in (pathlib.Path(output) / 'planted_faults.tsv').read_text().splitlines()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        sound = list(pool.map(lambda mode: passes(program, 0, 'all', mode), MODES))
        if not all(sound):
            sys.exit('without a fault, the test fails in: '
                     + ', '.join(m for m, ok in zip(MODES, sound) if not ok))
        results = pool.map(lambda f: caught_by(program, *f[:3]), faults)
        missed = 0
        for (number, tests, _, what), mode in zip(faults, results):
            print('%-14s %-11s %3s  %s' % (mode or 'NOT CAUGHT', tests, number, what), flush=True)
            missed += mode is None
    print('%d of %d faults caught' % (len(faults) - missed, len(faults)))
    return 1 if missed else 0


if __name__ == '__main__':
    if sys.argv[1:] == ['files']:
        sys.exit(print(';'.join(COMPILED + HEADERS), end=''))
    if len(sys.argv) != 4 or sys.argv[1] not in ('plant', 'run'):
        sys.exit(__doc__)
    sys.exit(plant(*sys.argv[2:]) if sys.argv[1] == 'plant' else run(*sys.argv[2:]))
