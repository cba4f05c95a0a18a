#pragma once

#include "kernels/cuda/adam.cuh"
#include "kernels/cuda/linear_norm_silu.cuh"
#include "kernels/cuda/training_memory.h"

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

/// The part of a batch that a group has.
struct Group {
  int first_cell;
  int n_cells;     ///< of this group, at most 8
  int most_cells;  ///< of the largest batch: the stride of Exchange's arrays
  int n_slices;
};

/// row[h] = start[h] + sum over slices, in order, of their partial sums. Reads 4 bytes a slice and
/// unit, 32 neighbours at a time, once.
template <class Widths>
__device__ __forceinline__ void sum_partials(const Widths& widths, const Exchange& exchange,
                                             const Group& group, int cell, const float* start,
                                             float* row) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::size_t stride = static_cast<std::size_t>(group.most_cells) * widths.hidden;
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

/// Phase 2 for one group: `parameters` are the trunk's values in shared or global memory. Leaves
/// the trace in `rows` and the blocks' outputs in `exchange`. No barrier of the block inside.
template <class Widths>
__device__ __forceinline__ void trunk_forward(const Widths& widths, const float* parameters,
                                              const Exchange& exchange, const Group& group,
                                              const TrunkRows& rows) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  if (warp >= group.n_cells) return;
  const TrunkLayout layout(widths.hidden, widths.latent);
  const int cell = group.first_cell + warp;
  float* trace = rows.trace + warp * trace_width(widths);
  float* outputs = rows.first + warp * units_of_trunk(widths);
#pragma unroll
  for (int b = 0; b < 3; ++b) {
    const BlockLayout& block = layout.block[b];
    float* row = trace + first_unit(widths, b);
    float* output = outputs + first_unit(widths, b);
    const float* bias = parameters + block.bias;
    if (b == 0) {
      sum_partials(widths, exchange, group, cell, bias, row);
    } else {
      linear_of_cell(outputs + first_unit(widths, b - 1), block.n_in,
                     {parameters + block.weight, block.weight_stride()}, bias, block.n_out, row);
    }
    const float inverse = norm_silu_of_cell(row, block.n_out, parameters + block.gain,
                                            parameters + block.shift, output);
    if (threadIdx.x % kWarpSize == 0) trace[units_of_trunk(widths) + b] = inverse;
    float* kept = b == 2 ? exchange.decoder_input : exchange.block_output[b];
    copy_row(output, block.n_out, kept + static_cast<std::size_t>(cell) * block.n_out);
    __syncwarp();
  }
}

/// Phase 4 for one group, with the trace that phase 2 left in `rows`: gradients of the linear
/// outputs, and the group's sums for biases, gains and shifts. Barriers of the block inside.
template <class Widths>
__device__ __forceinline__ void trunk_backward(const Widths& widths, const float* parameters,
                                               const Exchange& exchange, const Group& group,
                                               int group_index, const TrunkRows& rows) {
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int n_units = units_of_trunk(widths);
  const TrunkLayout layout(widths.hidden, widths.latent);
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
                                {parameters + next.weight, next.weight_stride()}, next.n_in,
                                gradients + first);
      }
      norm_silu_of_cell_backward(trace + first, trace[n_units + b], block.n_out,
                                 parameters + block.gain, parameters + block.shift,
                                 gradients + first, shift_gradients + first);
      float* kept = b == 0 ? exchange.encoder_gradient : exchange.block_gradient[b - 1];
      copy_row(gradients + first, block.n_out, kept + static_cast<std::size_t>(cell) * block.n_out);
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

/// Adam for the weights of block b (1 or 2), tiles of 4 inputs x 2 outputs a thread.
template <class Widths>
__device__ __forceinline__ void update_trunk_weights(const Widths& widths, int b,
                                                     const AdamStep& adam,
                                                     const TrunkGradients& gradients,
                                                     const Trained& trunk, int thread,
                                                     int n_threads) {
  const TrunkLayout layout(widths.hidden, widths.latent);
  const BlockLayout& block = layout.block[b];
  const int n_pairs = (block.n_out + 1) / 2;
  const int n_tiles = (block.n_in + 3) / 4 * n_pairs;
  for (int tile = thread; tile < n_tiles; tile += n_threads) {
    const int k = tile / n_pairs * 4;
    const int o = tile % n_pairs * 2;
    float sums[4][2] = {};
    weight_gradient_tile(gradients.block_output[b - 1], block.n_in, gradients.block_gradient[b - 1],
                         block.n_out, gradients.n_cells, k, o, sums);
#pragma unroll
    for (int r = 0; r < 4; ++r) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        if (k + r >= block.n_in || o + c >= block.n_out) continue;
        update(adam, sums[r][c], trunk, block.weight + (k + r) * block.weight_stride() + o + c);
      }
    }
  }
}

/// The trunk's part of phase 5, for thread `thread` of `n_threads` that share it.
template <class Widths>
__device__ __forceinline__ void update_trunk(const Widths& widths, const AdamStep& adam,
                                             const TrunkGradients& gradients, const Trained& trunk,
                                             int thread, int n_threads) {
  update_trunk_weights(widths, 1, adam, gradients, trunk, thread, n_threads);
  update_trunk_weights(widths, 2, adam, gradients, trunk, thread, n_threads);
  const TrunkLayout layout(widths.hidden, widths.latent);
  const int n_units = units_of_trunk(widths);
  for (int k = thread; k < 3 * n_units; k += n_threads) {
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
}

}  // namespace maskclass::cuda
