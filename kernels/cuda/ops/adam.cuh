#pragma once

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/math/adam.h"

/// Adam as the epilogue of whatever makes a gradient (kernels/math/adam.h has the formula).
namespace maskclass::cuda {

/// Brings a step's factors to shared memory by one access of the first threads, where each thread's
/// own would be six a warp. A barrier before their use.
__device__ __forceinline__ void load_step(const AdamStep& step, AdamStep& shared) {
  if (threadIdx.x >= sizeof(AdamStep) / sizeof(float)) return;
  reinterpret_cast<float*>(&shared)[threadIdx.x] =
      reinterpret_cast<const float*>(&step)[threadIdx.x];
}

/// Updates the number at `at` of a trained array. Global memory: 12 bytes read, 12 written.
__device__ __forceinline__ void update(const AdamStep& adam, float gradient, const Trained& array,
                                       std::size_t at) {
  adam_update(adam, gradient, array.value[at], array.first_moment[at], array.second_moment[at]);
}

/// Two neighbours, `at` even: 8-byte accesses.
__device__ __forceinline__ void update2(const AdamStep& adam, float gradient0, float gradient1,
                                        const Trained& array, std::size_t at) {
  auto& value = *reinterpret_cast<float2*>(array.value + at);
  auto& first = *reinterpret_cast<float2*>(array.first_moment + at);
  auto& second = *reinterpret_cast<float2*>(array.second_moment + at);
  float2 new_value = value;
  float2 new_first = first;
  float2 new_second = second;
  adam_update(adam, gradient0, new_value.x, new_first.x, new_second.x);
  adam_update(adam, gradient1, new_value.y, new_first.y, new_second.y);
  value = new_value;
  first = new_first;
  second = new_second;
}

}  // namespace maskclass::cuda
