#pragma once

#include <curand_philox4x32_x.h>

#include <cstdint>

#include "kernels/math/philox.h"

/// The project's random numbers (kernels/math/philox.h) from cuRAND's device function: the same
/// counter and key, the same bits.
namespace maskclass::cuda {

/// The four words of genes 4k to 4k + 3 of one cell.
__device__ __forceinline__ uint4 random_words(std::uint64_t seed, philox::Purpose purpose,
                                              std::uint32_t epoch, std::uint32_t cell,
                                              std::uint32_t gene) {
  const uint4 counter = make_uint4(gene >> 2, static_cast<std::uint32_t>(purpose), cell, epoch);
  const uint2 key =
      make_uint2(static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  return curand_Philox4x32_10(counter, key);
}

/// Word k of four, without an array that could end in local memory.
__device__ __forceinline__ std::uint32_t word_of(const uint4& words, std::uint32_t k) {
  const std::uint32_t low = (k & 1) != 0 ? words.y : words.x;
  const std::uint32_t high = (k & 1) != 0 ? words.w : words.z;
  return (k & 2) != 0 ? high : low;
}

}  // namespace maskclass::cuda
