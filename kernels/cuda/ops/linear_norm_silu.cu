// The fused linear + LayerNorm + SiLU block as operations of their own, from the functions that the
// training step's trunk is built of (linear_norm_silu.cuh).
//
// Forward and the first launch of backward: a warp has a cell, lane k units k, k + 32, ... For the
// widths of the paper the weights (8 KB) and the warp's rows lie in shared memory; for others,
// everything stays in global memory and the caches, and any width goes. The second launch of
// backward: a thread has 4 x 2 weights, or a unit's gain, shift and bias, and walks the
// cells in order. With B cells, I inputs, O outputs, in bytes of global memory at least:
//   forward   reads 4 (I O + 3 O + B I), writes 4 B (2 O + 1); operations 2 B I O + about 40 B O
//   backward  reads 4 (I O + 3 O + B (3 O + 2 I)), writes 4 (B (2 O + I) + I O); operations 4 B I O
#include "kernels/cuda/ops/linear_norm_silu.h"

#include <cstdint>
#include <stdexcept>

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/ops/linear_norm_silu.cuh"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

/// Widths that are known when the kernel is compiled; 0 stands for any.
template <int kIn, int kOut>
struct Widths {
  static constexpr bool kKnown = kIn > 0;
  int in;
  int out;

  __device__ __forceinline__ int n_in() const { return kKnown ? kIn : in; }
  __device__ __forceinline__ int n_out() const { return kKnown ? kOut : out; }
};

/// Rows of the block's warps and the staged weights; no memory where widths are not known.
template <int kIn, int kOut>
struct Staged {
  float weight[kIn * (kOut + 1)];
  float in[kWarps][kIn];
  float out[kWarps][2 * kOut];
};
template <>
struct Staged<0, 0> {
  float weight[1];
  float in[kWarps][1];
  float out[kWarps][1];
};

template <int kIn, int kOut>
__device__ __forceinline__ WeightView stage_weight(const LinearNormSilu& block,
                                                   Staged<kIn, kOut>& staged) {
  if constexpr (kIn > 0) {
    for (int k = threadIdx.x; k < kIn * kOut; k += kThreads) {
      staged.weight[k / kOut * (kOut + 1) + k % kOut] = block.weight[k];
    }
    __syncthreads();
    return {staged.weight, kOut + 1};
  } else {
    return {block.weight, block.n_out};
  }
}

__device__ __forceinline__ int warp_index() {
  return static_cast<int>(threadIdx.x) / kWarpSize;
}
__device__ __forceinline__ int lane_index() {
  return static_cast<int>(threadIdx.x) % kWarpSize;
}

template <int kIn, int kOut>
__global__ void __launch_bounds__(kThreads, 2)
    forward_kernel(LinearNormSilu block, Widths<kIn, kOut> widths, int n_cells, const float* x,
                   float* y, LinearNormSiluTrace trace) {
  __shared__ Staged<kIn, kOut> staged;
  const WeightView weight = stage_weight(block, staged);
  const int n_in = widths.n_in();
  const int n_out = widths.n_out();
  const int warp = warp_index();
  const int lane = lane_index();
  for (int cell = static_cast<int>(blockIdx.x) * kWarps + warp; cell < n_cells;
       cell += static_cast<int>(gridDim.x) * kWarps) {
    const float* in = x + static_cast<std::size_t>(cell) * n_in;
    float* normalised = trace.normalised + static_cast<std::size_t>(cell) * n_out;
    float* out = y + static_cast<std::size_t>(cell) * n_out;
    float* row = normalised;
    if constexpr (kIn > 0) {
      for (int k = lane; k < n_in; k += kWarpSize) staged.in[warp][k] = in[k];
      __syncwarp();
      in = staged.in[warp];
      row = staged.out[warp];
    }
    linear_of_cell(in, n_in, weight, block.bias, n_out, row);
    const float inverse = norm_silu_of_cell(row, n_out, block.gain, block.shift, out);
    if constexpr (kIn > 0) {
      for (int o = lane; o < n_out; o += kWarpSize) normalised[o] = row[o];
      __syncwarp();
    }
    if (lane == 0) trace.inverse_deviation[cell] = inverse;
  }
}

/// Scratch of the way back: gradients of the linear outputs, then of the shifts, [n_cells][n_out]
/// each.
template <int kIn, int kOut>
__global__ void __launch_bounds__(kThreads, 2)
    backward_cells_kernel(LinearNormSilu block, Widths<kIn, kOut> widths, int n_cells,
                          LinearNormSiluTrace trace, const float* y_gradient, float* scratch,
                          float* in_gradient) {
  __shared__ Staged<kIn, kOut> staged;
  const WeightView weight = stage_weight(block, staged);
  const int n_in = widths.n_in();
  const int n_out = widths.n_out();
  const int warp = warp_index();
  const int lane = lane_index();
  for (int cell = static_cast<int>(blockIdx.x) * kWarps + warp; cell < n_cells;
       cell += static_cast<int>(gridDim.x) * kWarps) {
    const std::size_t first = static_cast<std::size_t>(cell) * n_out;
    float* linear_gradient = scratch + first;
    float* shift_gradient = scratch + static_cast<std::size_t>(n_cells) * n_out + first;
    float* row = linear_gradient;
    if constexpr (kIn > 0) row = staged.out[warp];
    for (int o = lane; o < n_out; o += kWarpSize) row[o] = y_gradient[first + o];
    norm_silu_of_cell_backward(trace.normalised + first, trace.inverse_deviation[cell], n_out,
                               block.gain, block.shift, row, shift_gradient);
    __syncwarp();
    if (in_gradient != nullptr) {
      linear_of_cell_backward(row, n_out, weight, n_in,
                              in_gradient + static_cast<std::size_t>(cell) * n_in);
    }
    if constexpr (kIn > 0) {
      for (int o = lane; o < n_out; o += kWarpSize) linear_gradient[o] = row[o];
      __syncwarp();
    }
  }
}

using Tile = WeightTile<8>;

__global__ void __launch_bounds__(kThreads, 2)
    backward_parameters_kernel(int n_in, int n_out, int n_cells, const float* x,
                               const float* normalised, const float* scratch,
                               LinearNormSiluGradients gradients) {
  const float* linear_gradient = scratch;
  const float* shift_gradient = scratch + static_cast<std::size_t>(n_cells) * n_out;
  const int n_for_weights = Tile::threads(n_in, n_out);
  for (int item = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
       item < n_for_weights + n_out; item += static_cast<int>(gridDim.x) * kThreads) {
    if (item < n_for_weights) {
      const Tile mine(item, n_out);
      float sums[4][2] = {};
      weight_gradient_tile(x, n_in, linear_gradient, n_out, n_cells, mine, sums);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        if (mine.input(r) >= n_in) continue;
        float* row = gradients.weight + static_cast<std::size_t>(mine.input(r)) * n_out;
        if (mine.output < n_out) row[mine.output] = sums[r][0];
        if (mine.output + 1 < n_out) row[mine.output + 1] = sums[r][1];
      }
      continue;
    }
    const int unit = item - n_for_weights;
    UnitSums sums;
    for (int cell = 0; cell < n_cells; ++cell) {
      const std::size_t at = static_cast<std::size_t>(cell) * n_out + unit;
      sums.add_cell(shift_gradient[at], normalised[at], linear_gradient[at]);
    }
    gradients.gain[unit] = sums.gain;
    gradients.shift[unit] = sums.shift;
    gradients.bias[unit] = sums.bias;
  }
}

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

void check_block(const LinearNormSilu& block, int n_cells, const float* x,
                 const LinearNormSiluTrace& trace) {
  require(block.n_in > 0 && block.n_out > 0, "linear_norm_silu: widths must be at least 1");
  require(n_cells > 0, "linear_norm_silu: there must be at least one cell");
  require(block.weight != nullptr && block.bias != nullptr && block.gain != nullptr &&
              block.shift != nullptr && x != nullptr && trace.normalised != nullptr &&
              trace.inverse_deviation != nullptr,
          "linear_norm_silu: an array is missing");
}

/// Calls work with the widths that the kernels are compiled for.
template <class Work>
void with_widths(const LinearNormSilu& block, const Work& work) {
  if (block.n_in == 64 && block.n_out == 32) {
    work(Widths<64, 32>{64, 32});
  } else if (block.n_in == 32 && block.n_out == 64) {
    work(Widths<32, 64>{32, 64});
  } else {
    work(Widths<0, 0>{block.n_in, block.n_out});
  }
}

constexpr int kMostBlocks = 1024;

int blocks_for(int n_items, int items_a_block) {
  return n_items / items_a_block >= kMostBlocks ? kMostBlocks
                                                : (n_items + items_a_block - 1) / items_a_block;
}

}  // namespace

void linear_norm_silu_forward(const LinearNormSilu& block, int n_cells, const float* x, float* y,
                              const LinearNormSiluTrace& trace, cudaStream_t stream) {
  check_block(block, n_cells, x, trace);
  require(y != nullptr, "linear_norm_silu: an array is missing");
  with_widths(block, [&](auto widths) {
    forward_kernel<<<blocks_for(n_cells, kWarps), kThreads, 0, stream>>>(block, widths, n_cells, x,
                                                                         y, trace);
  });
  check_launch("linear_norm_silu forward_kernel");
}

std::size_t linear_norm_silu_scratch(int n_out, int n_cells) {
  return 2 * static_cast<std::size_t>(n_out) * n_cells;
}

void linear_norm_silu_backward(const LinearNormSilu& block, int n_cells, const float* x,
                               const LinearNormSiluTrace& trace, const float* y_gradient,
                               float* scratch, const LinearNormSiluGradients& gradients,
                               cudaStream_t stream) {
  check_block(block, n_cells, x, trace);
  require(y_gradient != nullptr && scratch != nullptr && gradients.weight != nullptr &&
              gradients.bias != nullptr && gradients.gain != nullptr && gradients.shift != nullptr,
          "linear_norm_silu: an array is missing");
  require(reinterpret_cast<std::uintptr_t>(scratch) % sizeof(float2) == 0,
          "linear_norm_silu: the scratch must be aligned to 8 bytes");
  with_widths(block, [&](auto widths) {
    backward_cells_kernel<<<blocks_for(n_cells, kWarps), kThreads, 0, stream>>>(
        block, widths, n_cells, trace, y_gradient, scratch, gradients.in);
  });
  check_launch("linear_norm_silu backward_cells_kernel");
  const int n_items = Tile::threads(block.n_in, block.n_out) + block.n_out;
  backward_parameters_kernel<<<blocks_for(n_items, kThreads), kThreads, 0, stream>>>(
      block.n_in, block.n_out, n_cells, x, trace.normalised, scratch, gradients);
  check_launch("linear_norm_silu backward_parameters_kernel");
}

}  // namespace maskclass::cuda
