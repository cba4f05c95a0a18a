#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/math/philox.h"

namespace maskclass::cuda::test {

/// What a random number is for (kernels/math/philox.h).
struct Draw {
  std::uint64_t seed;
  philox::Purpose purpose;
  std::uint32_t epoch;
  std::uint32_t cell;
  std::uint32_t gene;
};

/// The words of a draw's Philox block, by the function that the kernels call, by cuRAND's own state
/// and by the project's function on the device.
struct DrawnWords {
  philox::Words kernels;
  philox::Words curand;
  philox::Words project;
};

/// One draw a thread; both arrays [n] on the device.
void draw_words(const Draw* draws, int n, DrawnWords* words, cudaStream_t stream);

}  // namespace maskclass::cuda::test
