#pragma once

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/ops/block_reduce.cuh"
#include "kernels/cuda/ops/corrupt.cuh"

/// The weighted masked mean squared error with the biozero term (paper, Section 2.5): entry by
/// entry, and the reductions of its denominators and values in one fixed order, without atomics.
namespace maskclass::cuda {

/// Two over each denominator, the second times gamma: the loss's gradient at an entry is
/// (weight * masked + p * biozero) * residual.
struct GradientScale {
  float masked;
  float biozero;
};

__device__ __forceinline__ GradientScale gradient_scale(const LossScale& scale, float gamma) {
  return {static_cast<float>(2 * scale.masked),
          static_cast<float>(2 * scale.biozero * static_cast<double>(gamma))};
}

/// The gradient of the loss at one entry, from its residual, the weight of its mask (0 where it is
/// not masked) and its biozero probability (0 at non-zeros); adds the entry's part of the loss.
__device__ __forceinline__ float entry_gradient(float residual, float weight, float biozero,
                                                const GradientScale& scale, SliceLoss& loss) {
  loss.masked = fmaf(weight * residual, residual, loss.masked);
  loss.biozero = fmaf(biozero * residual, residual, loss.biozero);
  return fmaf(biozero, scale.biozero, weight * scale.masked) * residual;
}

/// The gradient of the loss at one entry of a tile, whose output is `out`; adds the entry's part of
/// the loss, before the denominators, to `loss`. The residual of both terms is out - target, since
/// a zero's target is its scaled zero. Entries beyond the batch or the genes have no weight.
__device__ __forceinline__ float loss_gradient(const Tile& tile, const Corruption& how,
                                               const GradientScale& scale, int cell, int gene,
                                               float out, SliceLoss& loss) {
  const float residual = out - tile.target[cell][gene];
  const bool masked = (tile.masked[cell] >> gene & 1u) != 0;
  const bool present = (tile.present[cell] >> gene & 1u) != 0;
  const float weight = !masked ? 0.0f : present ? how.nonzero_weight : how.zero_weight;
  return entry_gradient(residual, weight, tile.biozero[cell][gene], scale, loss);
}

/// The block's part of the denominators, from every thread's; thread 0 sets `sums`. `scratch` is
/// [3] arrays in shared memory. One barrier; they may be written to again after another.
__device__ __forceinline__ void sum_over_block(const MaskCounts& counts, float (*scratch)[kWarps],
                                               TileSums& sums) {
  auto* const zeros = reinterpret_cast<std::uint32_t*>(scratch[0]);
  auto* const nonzeros = reinterpret_cast<std::uint32_t*>(scratch[1]);
  sum_in_warps(counts.masked_zeros, zeros);
  sum_in_warps(counts.masked_nonzeros, nonzeros);
  sum_in_warps(counts.biozero, scratch[2]);
  __syncthreads();
  if (threadIdx.x == 0) {
    sums = {sum_of_warps(zeros), sum_of_warps(nonzeros), sum_of_warps(scratch[2]), 0};
  }
}

/// The same for the parts of the loss, with two arrays.
__device__ __forceinline__ void sum_over_block(const SliceLoss& loss, float (*scratch)[kWarps],
                                               SliceLoss& sums) {
  sum_in_warps(loss.masked, scratch[0]);
  sum_in_warps(loss.biozero, scratch[1]);
  __syncthreads();
  if (threadIdx.x == 0) sums = {sum_of_warps(scratch[0]), sum_of_warps(scratch[1])};
}

/// The denominators from the parts of all slices and tiles; one warp, the result in every lane.
__device__ __forceinline__ LossScale sum_denominators(const TileSums* sums, int n,
                                                      const Corruption& how) {
  unsigned long long zeros = 0;
  unsigned long long nonzeros = 0;
  double biozero = 0;
  for (int k = static_cast<int>(threadIdx.x) % kWarpSize; k < n; k += kWarpSize) {
    const TileSums part = sums[k];
    zeros += part.masked_zeros;
    nonzeros += part.masked_nonzeros;
    biozero += static_cast<double>(part.biozero);
  }
  const double masked =
      static_cast<double>(how.zero_weight) * static_cast<double>(warp_sum(zeros)) +
      static_cast<double>(how.nonzero_weight) * static_cast<double>(warp_sum(nonzeros));
  biozero = warp_sum(biozero);
  return {masked > 0 ? 1 / masked : 0.0, biozero > 0 ? 1 / biozero : 0.0};
}

/// The batch's loss from the parts of all slices; one warp, the result in every lane.
__device__ __forceinline__ BatchLoss sum_losses(const SliceLoss* losses, int n,
                                                const LossScale& scale) {
  double masked = 0;
  double biozero = 0;
  for (int k = static_cast<int>(threadIdx.x) % kWarpSize; k < n; k += kWarpSize) {
    const SliceLoss part = losses[k];
    masked += static_cast<double>(part.masked);
    biozero += static_cast<double>(part.biozero);
  }
  return {warp_sum(masked) * scale.masked, warp_sum(biozero) * scale.biozero};
}

}  // namespace maskclass::cuda
