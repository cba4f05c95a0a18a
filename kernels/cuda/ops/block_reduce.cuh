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

/// The first half of a sum over the block: leaves a part a warp in `scratch` [kWarps], in shared
/// memory. A barrier, for as many sums as there are, and then sum_of_warps().
template <class T>
__device__ __forceinline__ void sum_in_warps(T value, T* scratch) {
  value = warp_sum(value);
  if (threadIdx.x % kWarpSize == 0) scratch[threadIdx.x / kWarpSize] = value;
}
/// The second half, for one thread. `scratch` may be written to again after a barrier.
template <class T>
__device__ __forceinline__ T sum_of_warps(const T* scratch) {
  T sum{};
  for (int warp = 0; warp < kWarps; ++warp) sum += scratch[warp];
  return sum;
}

}  // namespace maskclass::cuda
