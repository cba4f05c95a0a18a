#pragma once

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/ops/adam.cuh"
#include "kernels/cuda/ops/linear_norm_silu.cuh"

/// Phases 2 and 4 of a training step and the trunk's part of phase 5: the three fused blocks of the
/// narrow middle of the network. A block of 256 threads has a group of 8 cells, a warp each; the
/// group is fixed, so that sums over cells do not depend on how groups are spread over blocks.
///
/// U = 2 H + L is the number of units of the three blocks, which lie behind each other in rows.
namespace maskclass::cuda {

static_assert(kGroupCells == kWarps);

template <class Widths>
__device__ __forceinline__ constexpr int units_of_trunk(const Widths& widths) {
  return 2 * widths.hidden + widths.latent;
}
/// Where the units of block b begin in a row of U.
template <class Widths>
__device__ __forceinline__ constexpr int first_unit(const Widths& widths, int b) {
  return b == 0 ? 0 : b == 1 ? widths.hidden : widths.hidden + widths.latent;
}
/// Floats of a cell's trace: U normalised values and three inverse deviations.
template <class Widths>
__host__ __device__ constexpr int trace_width(const Widths& widths) {
  return 2 * widths.hidden + widths.latent + 3;
}

/// What a group of cells needs in shared memory, as pointers into it: rows of one cell after those
/// of another.
struct TrunkRows {
  float* trace;   ///< [8][U + 3]
  float* first;   ///< [8][U]: outputs of the blocks on the way forward, gradients of their linear
                  ///< outputs on the way back
  float* second;  ///< [8][U]: on the way back, gradients of the blocks' shifts
};
template <class Widths>
__host__ __device__ constexpr int trunk_rows_size(const Widths& widths) {
  return kGroupCells * (trace_width(widths) + 2 * (2 * widths.hidden + widths.latent));
}
template <class Widths>
__device__ __forceinline__ TrunkRows trunk_rows(const Widths& widths, float* memory) {
  float* first = memory + kGroupCells * trace_width(widths);
  return {memory, first, first + kGroupCells * units_of_trunk(widths)};
}

/// The trunk's parameters where a kernel reads them: global memory, or shared memory with padded
/// rows.
struct TrunkParameters {
  const float* at;
  TrunkLayout layout;
};

/// Calls move(global, shared) for the thread's part of the places of all parameters in the two
/// layouts; neighbours in global memory are neighbours among threads.
template <class Widths, class Move>
__device__ __forceinline__ void for_each_parameter(const Widths& widths, const Move& move) {
  const TrunkLayout global(widths.hidden, widths.latent, kDenseRows);
  const TrunkLayout shared(widths.hidden, widths.latent, kPaddedRows);
#pragma unroll
  for (int b = 0; b < 3; ++b) {
    const BlockLayout& from = global.block[b];
    const BlockLayout& to = shared.block[b];
    for (int k = threadIdx.x; k < from.n_in * from.n_out; k += kThreads) {
      move(from.weight + k, to.weight + k / from.n_out * to.weight_stride + k % from.n_out);
    }
    for (int k = threadIdx.x; k < 3 * from.n_out; k += kThreads) move(from.bias + k, to.bias + k);
  }
}

/// The part of a batch that a group has.
struct Group {
  int first_cell;
  int n_cells;     ///< of this group, at most 8
  int batch_size;  ///< of a whole batch: the stride of Exchange's arrays
  int n_slices;
};

/// row[h] = start[h] + sum over slices, in order, of their partial sums. Reads 4 bytes a slice and
/// unit, 32 neighbours at a time, once.
template <class Widths>
__device__ __forceinline__ void sum_partials(const Widths& widths, const Exchange& exchange,
                                             const Group& group, int cell, const float* start,
                                             float* row) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::size_t stride = static_cast<std::size_t>(group.batch_size) * widths.hidden;
  const float* partial = exchange.partial + static_cast<std::size_t>(cell) * widths.hidden;
  for (int h = lane; h < widths.hidden; h += 2 * kWarpSize) {
    const int second = h + kWarpSize < widths.hidden ? h + kWarpSize : h;
    float sum0 = start == nullptr ? 0.0f : start[h];
    float sum1 = start == nullptr ? 0.0f : start[second];
#pragma unroll 8
    for (int slice = 0; slice < group.n_slices; ++slice) {
      sum0 += partial[slice * stride + h];
      sum1 += partial[slice * stride + second];
    }
    row[second] = sum1;
    row[h] = sum0;
  }
}

/// Copies n floats by one warp.
__device__ __forceinline__ void copy_row(const float* from, int n, float* to) {
  for (int k = static_cast<int>(threadIdx.x) % kWarpSize; k < n; k += kWarpSize) to[k] = from[k];
}

/// A batch's rows for the update of the trunk, in shared memory, to which a group's own are written
/// where they are made; null where the update reads them from global memory.
struct KeptRows {
  float* block_output[2] = {};    ///< as in Exchange
  float* block_gradient[2] = {};  ///< as in Exchange
};

/// Writes a cell's row of a batch's array to global memory and, where that is not null, to `kept`.
__device__ __forceinline__ void write_row(const float* row, int n, int cell, float* to,
                                          float* kept) {
  const std::size_t at = static_cast<std::size_t>(cell) * n;
  copy_row(row, n, to + at);
  if (kept != nullptr) copy_row(row, n, kept + at);
}

/// Phase 2 for one group, with the trunk's values as `parameters`. Leaves the trace in `rows` and
/// the blocks' outputs in `exchange` and `kept`. No barrier of the block inside.
template <class Widths>
__device__ __forceinline__ void trunk_forward(const Widths& widths,
                                              const TrunkParameters& parameters,
                                              const Exchange& exchange, const Group& group,
                                              const TrunkRows& rows, const KeptRows& kept) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  if (warp >= group.n_cells) return;
  const float* const at = parameters.at;
  const int cell = group.first_cell + warp;
  float* trace = rows.trace + warp * trace_width(widths);
  float* outputs = rows.first + warp * units_of_trunk(widths);
#pragma unroll
  for (int b = 0; b < 3; ++b) {
    const BlockLayout& block = parameters.layout.block[b];
    float* row = trace + first_unit(widths, b);
    float* output = outputs + first_unit(widths, b);
    const float* bias = at + block.bias;
    if (b == 0) {
      sum_partials(widths, exchange, group, cell, bias, row);
    } else {
      linear_of_cell(outputs + first_unit(widths, b - 1), block.n_in,
                     {at + block.weight, block.weight_stride}, bias, block.n_out, row);
    }
    const float inverse =
        norm_silu_of_cell(row, block.n_out, at + block.gain, at + block.shift, output);
    if (threadIdx.x % kWarpSize == 0) trace[units_of_trunk(widths) + b] = inverse;
    write_row(output, block.n_out, cell, b == 2 ? exchange.decoder_input : exchange.block_output[b],
              b == 2 ? nullptr : kept.block_output[b]);
    __syncwarp();
  }
}

/// Phase 4 for one group, with the trace that phase 2 left in `rows`: gradients of the linear
/// outputs, and the group's sums for biases, gains and shifts. Barriers of the block inside.
template <class Widths>
__device__ __forceinline__ void trunk_backward(const Widths& widths,
                                               const TrunkParameters& parameters,
                                               const Exchange& exchange, const Group& group,
                                               int group_index, const TrunkRows& rows,
                                               const KeptRows& kept) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int n_units = units_of_trunk(widths);
  const float* const at = parameters.at;
  const TrunkLayout& layout = parameters.layout;
  if (warp < group.n_cells) {
    const int cell = group.first_cell + warp;
    const float* trace = rows.trace + warp * trace_width(widths);
    float* gradients = rows.first + warp * n_units;
    float* shift_gradients = rows.second + warp * n_units;
#pragma unroll
    for (int b = 2; b >= 0; --b) {
      const BlockLayout& block = layout.block[b];
      const int first = first_unit(widths, b);
      if (b == 2) {
        sum_partials(widths, exchange, group, cell, nullptr, gradients + first);
      } else {
        const BlockLayout& next = layout.block[b + 1];
        linear_of_cell_backward(gradients + first_unit(widths, b + 1), next.n_out,
                                {at + next.weight, next.weight_stride}, next.n_in,
                                gradients + first);
      }
      norm_silu_of_cell_backward(trace + first, trace[n_units + b], block.n_out, at + block.gain,
                                 at + block.shift, gradients + first, shift_gradients + first);
      write_row(gradients + first, block.n_out, cell,
                b == 0 ? exchange.encoder_gradient : exchange.block_gradient[b - 1],
                b == 0 ? nullptr : kept.block_gradient[b - 1]);
      __syncwarp();
    }
  }
  __syncthreads();
  // Thread by unit: the group's cells in order.
  float* sums = exchange.vector_gradient + static_cast<std::size_t>(group_index) * 3 * n_units;
  for (int unit = threadIdx.x; unit < n_units; unit += kThreads) {
    UnitSums unit_sums;
    for (int cell = 0; cell < group.n_cells; ++cell) {
      unit_sums.add_cell(rows.second[cell * n_units + unit],
                         rows.trace[cell * trace_width(widths) + unit],
                         rows.first[cell * n_units + unit]);
    }
    sums[unit] = unit_sums.gain;
    sums[n_units + unit] = unit_sums.shift;
    sums[2 * n_units + unit] = unit_sums.bias;
  }
}

/// What the update of the trunk reads, in shared or global memory.
struct TrunkGradients {
  const float* block_output[2];    ///< [B][H], [B][L]
  const float* block_gradient[2];  ///< [B][L], [B][H]
  const float* vector_gradient;    ///< [groups][3][U]
  int n_cells;
  int n_groups;
};

/// Adam for the thread's part of the weights of a block, thread `thread` of WeightTile::threads().
template <int kInputLanes>
__device__ __forceinline__ void update_trunk_weights(const BlockLayout& block, const AdamStep& adam,
                                                     const float* in, const float* gradient,
                                                     int n_cells, const Trained& trunk,
                                                     int thread) {
  const WeightTile<kInputLanes> mine(thread, block.n_out);
  float sums[4][2] = {};
  weight_gradient_tile(in, block.n_in, gradient, block.n_out, n_cells, mine, sums);
  const bool in_pairs =
      block.n_out % 2 == 0 && block.weight_stride % 2 == 0 && block.weight % 2 == 0;
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    if (mine.input(r) >= block.n_in || mine.output >= block.n_out) continue;
    const int at = block.weight + mine.input(r) * block.weight_stride + mine.output;
    if (in_pairs) {
      update2(adam, sums[r][0], sums[r][1], trunk, at);
    } else {
      update(adam, sums[r][0], trunk, at);
      if (mine.output + 1 < block.n_out) update(adam, sums[r][1], trunk, at + 1);
    }
  }
}

/// Adam for number k of [3][U]: a unit's gain, shift or bias.
template <class Widths>
__device__ __forceinline__ void update_trunk_vector(const Widths& widths, const TrunkLayout& layout,
                                                    const AdamStep& adam,
                                                    const TrunkGradients& gradients,
                                                    const Trained& trunk, int k) {
  const int n_units = units_of_trunk(widths);
  float sum = 0.0f;
  for (int group = 0; group < gradients.n_groups; ++group) {
    sum += gradients.vector_gradient[static_cast<std::size_t>(group) * 3 * n_units + k];
  }
  // Numbers, not an index into the layout, which would put that into local memory.
  const int unit = k % n_units;
  const bool in_first = unit < widths.hidden;
  const bool in_second = !in_first && unit < widths.hidden + widths.latent;
  const int bias = in_first    ? layout.block[0].bias
                   : in_second ? layout.block[1].bias
                               : layout.block[2].bias;
  const int n_out = in_second ? widths.latent : widths.hidden;
  const int first = in_first    ? first_unit(widths, 0)
                    : in_second ? first_unit(widths, 1)
                                : first_unit(widths, 2);
  // Sums are gains, shifts, biases; the layout has biases, gains, shifts.
  const int array = k < n_units ? n_out : k < 2 * n_units ? 2 * n_out : 0;
  update(adam, sum, trunk, bias + array + unit - first);
}

/// The trunk's part of phase 5, for thread `thread` of `n_threads` that share it. `trunk` has this
/// layout; kInputLanes as in WeightTile.
template <int kInputLanes, class Widths>
__device__ __forceinline__ void update_trunk(const Widths& widths, const TrunkLayout& layout,
                                             const AdamStep& adam, const TrunkGradients& gradients,
                                             const Trained& trunk, int thread, int n_threads) {
  using Tile = WeightTile<kInputLanes>;
  const int second = Tile::threads(layout.block[1].n_in, layout.block[1].n_out);
  const int vectors = second + Tile::threads(layout.block[2].n_in, layout.block[2].n_out);
  const int end = vectors + 3 * units_of_trunk(widths);
  for (int item = thread; item < end; item += n_threads) {
    if (item < second) {
      update_trunk_weights<kInputLanes>(layout.block[1], adam, gradients.block_output[0],
                                        gradients.block_gradient[0], gradients.n_cells, trunk,
                                        item);
    } else if (item < vectors) {
      update_trunk_weights<kInputLanes>(layout.block[2], adam, gradients.block_output[1],
                                        gradients.block_gradient[1], gradients.n_cells, trunk,
                                        item - second);
    } else {
      update_trunk_vector(widths, layout, adam, gradients, trunk, item - vectors);
    }
  }
}

}  // namespace maskclass::cuda
