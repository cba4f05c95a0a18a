#pragma once

#include <cstdint>

/// Sums over a warp and a block in one fixed order, so that a run gives the same bits every time.
namespace maskclass::cuda {

/// Threads of every block that works on slices or on the trunk.
inline constexpr int kThreads = 256;
inline constexpr int kWarpSize = 32;
inline constexpr int kWarps = kThreads / kWarpSize;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

/// The sum over the warp, in every lane: a butterfly.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, distance);
  }
  return value;
}

/// The sum over the block, in thread 0 alone. `scratch` is [kWarps] in shared memory, which no
/// thread uses for anything else until the next barrier after this.
template <class T>
__device__ __forceinline__ T block_sum(T value, T* scratch) {
  value = warp_sum(value);
  if (threadIdx.x % kWarpSize == 0) scratch[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  T sum{};
  if (threadIdx.x == 0) {
    for (int warp = 0; warp < kWarps; ++warp) sum += scratch[warp];
  }
  return sum;
}

}  // namespace maskclass::cuda
