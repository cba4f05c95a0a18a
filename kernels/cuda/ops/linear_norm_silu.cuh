#pragma once

#include "kernels/cuda/ops/block_reduce.cuh"
#include "kernels/math/layer_norm.h"
#include "kernels/math/silu.h"

/// The parts of a fused linear + LayerNorm + SiLU block, for one cell and the 32 lanes of a warp:
/// a lane has units lane, lane + 32, ... The formulas are those of kernels/math. Rows (of inputs,
/// outputs, gradients) are pointers to shared or global memory; a caller puts __syncwarp between
/// the writing of a row and its reading by other lanes.
namespace maskclass::cuda {

/// Weights [n_in][stride], which lie in shared or global memory.
struct WeightView {
  const float* at;
  int stride;
};

/// out[o] = bias[o] + sum over k of in[k] * weight[k][o]. In place is not possible. Reads of `in`
/// are broadcasts, those of the weights 32 neighbours.
__device__ __forceinline__ void linear_of_cell(const float* in, int n_in, WeightView weight,
                                               const float* bias, int n_out, float* out) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  // Two units a lane at a time: independent sums, and half the reads of `in`.
  for (int o = lane; o < n_out; o += 2 * kWarpSize) {
    const int second = o + kWarpSize < n_out ? o + kWarpSize : o;
    float sum0 = bias[o];
    float sum1 = bias[second];
#pragma unroll 8
    for (int k = 0; k < n_in; ++k) {
      const float x = in[k];
      sum0 = fmaf(x, weight.at[k * weight.stride + o], sum0);
      sum1 = fmaf(x, weight.at[k * weight.stride + second], sum1);
    }
    out[second] = sum1;
    out[o] = sum0;
  }
}

/// in_gradient[k] = sum over o of gradient[o] * weight[k][o].
__device__ __forceinline__ void linear_of_cell_backward(const float* gradient, int n_out,
                                                        WeightView weight, int n_in,
                                                        float* in_gradient) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for (int k = lane; k < n_in; k += 2 * kWarpSize) {
    const int second = k + kWarpSize < n_in ? k + kWarpSize : k;
    float sum0 = 0.0f;
    float sum1 = 0.0f;
#pragma unroll 8
    for (int o = 0; o < n_out; ++o) {
      sum0 = fmaf(gradient[o], weight.at[k * weight.stride + o], sum0);
      sum1 = fmaf(gradient[o], weight.at[second * weight.stride + o], sum1);
    }
    in_gradient[second] = sum1;
    in_gradient[k] = sum0;
  }
}

/// Normalises `row`, the cell's linear outputs, in place, and returns its inverse deviation;
/// output[o] = silu(gain[o] * normalised + shift[o]). A lane reads what it wrote itself.
__device__ __forceinline__ float norm_silu_of_cell(float* row, int n_out, const float* gain,
                                                   const float* shift, float* output) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const float inverse_width = 1.0f / static_cast<float>(n_out);
  float sum = 0.0f;
  for (int o = lane; o < n_out; o += kWarpSize) sum += row[o];
  const float mean = warp_sum(sum) * inverse_width;
  float squares = 0.0f;
  for (int o = lane; o < n_out; o += kWarpSize) {
    const float centred = row[o] - mean;
    squares = fmaf(centred, centred, squares);
  }
  const float inverse = inverse_deviation(warp_sum(squares), inverse_width);
  for (int o = lane; o < n_out; o += kWarpSize) {
    row[o] = normalise(row[o], mean, inverse);
    const float y = gain_and_shift(gain[o], row[o], shift[o]);
    output[o] = silu(y, sigmoid(y));
  }
  return inverse;
}

/// Turns `gradient`, of the block's output, into that of its linear output, in place; what it is
/// before LayerNorm's gain and shift goes to shift_gradient, for the sums over cells.
__device__ __forceinline__ void norm_silu_of_cell_backward(const float* normalised, float inverse,
                                                           int n_out, const float* gain,
                                                           const float* shift, float* gradient,
                                                           float* shift_gradient) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const float inverse_width = 1.0f / static_cast<float>(n_out);
  float sum = 0.0f;
  float product = 0.0f;
  for (int o = lane; o < n_out; o += kWarpSize) {
    const float y = gain_and_shift(gain[o], normalised[o], shift[o]);
    const float dy = gradient[o] * silu_slope(y, sigmoid(y));
    shift_gradient[o] = dy;
    gradient[o] = dy * gain[o];
    sum += gradient[o];
    product = fmaf(gradient[o], normalised[o], product);
  }
  const float mean_gradient = warp_sum(sum) * inverse_width;
  const float mean_product = warp_sum(product) * inverse_width;
  for (int o = lane; o < n_out; o += kWarpSize) {
    gradient[o] =
        gradient_of_linear(gradient[o], normalised[o], inverse, mean_gradient, mean_product);
  }
}

/// What a thread has of a weight's gradient: four inputs and two neighbouring outputs. A warp has a
/// tile of 4 kInputLanes inputs x 2 (32 / kInputLanes) outputs. With 8 input lanes every access of
/// global memory is of whole sectors; with 2, rows of an odd stride in shared memory are free of
/// bank conflicts.
template <int kInputLanes>
struct WeightTile {
  static constexpr int kInputs = 4 * kInputLanes;
  static constexpr int kOutputs = 2 * (kWarpSize / kInputLanes);
  int first_input;
  int output;

  /// Threads that share a weight, whole warps.
  static __host__ __device__ constexpr int threads(int n_in, int n_out) {
    return (n_in + kInputs - 1) / kInputs * ((n_out + kOutputs - 1) / kOutputs) * kWarpSize;
  }
  __device__ __forceinline__ WeightTile(int thread, int n_out) {
    const int lane = thread % kWarpSize;
    const int tile = thread / kWarpSize;
    const int tiles_a_row = (n_out + kOutputs - 1) / kOutputs;
    constexpr int kOutputLanes = kWarpSize / kInputLanes;
    first_input = tile / tiles_a_row * kInputs + lane / kOutputLanes;
    output = tile % tiles_a_row * kOutputs + 2 * (lane % kOutputLanes);
  }
  __device__ __forceinline__ int input(int r) const { return first_input + r * kInputLanes; }
};

/// sums[r][c] = sum over cells, in order, of in[cell][input(r)] * gradient[cell][output + c]. What
/// lies beyond the widths repeats the last. Where n_out is even, `gradient` is 8-byte aligned.
template <int kInputLanes>
__device__ __forceinline__ void weight_gradient_tile(const float* in, int n_in,
                                                     const float* gradient, int n_out, int n_cells,
                                                     const WeightTile<kInputLanes>& mine,
                                                     float (&sums)[4][2]) {
  const bool even = n_out % 2 == 0;
  const int o = min(mine.output, even ? n_out - 2 : n_out - 1);
  const int next = min(o + 1, n_out - 1);
  for (int cell = 0; cell < n_cells; ++cell) {
    const float* left = in + static_cast<std::size_t>(cell) * n_in;
    const float* right = gradient + static_cast<std::size_t>(cell) * n_out;
    const float2 pair =
        even ? *reinterpret_cast<const float2*>(right + o) : make_float2(right[o], right[next]);
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const float factor = left[min(mine.input(r), n_in - 1)];
      sums[r][0] = fmaf(factor, pair.x, sums[r][0]);
      sums[r][1] = fmaf(factor, pair.y, sums[r][1]);
    }
  }
}

/// Sums over cells for one unit of a block.
struct UnitSums {
  float gain = 0.0f;
  float shift = 0.0f;
  float bias = 0.0f;

  __device__ __forceinline__ void add_cell(float shift_gradient, float normalised,
                                           float linear_gradient) {
    gain = fmaf(shift_gradient, normalised, gain);
    shift += shift_gradient;
    bias += linear_gradient;
  }
};

}  // namespace maskclass::cuda
