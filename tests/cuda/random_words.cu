// One Philox block in three ways.
#include <curand_kernel.h>

#include "kernels/cuda/ops/philox.cuh"
#include "kernels/cuda/runtime/error.h"
#include "tests/cuda/random_words.h"

namespace maskclass::cuda::test {
namespace {

constexpr int kThreads = 128;

__device__ philox::Words words_of(const uint4& words) {
  return {words.x, words.y, words.z, words.w};
}

__global__ void draw_words_kernel(const Draw* draws, int n, DrawnWords* words) {
  const int k = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (k >= n) return;
  const Draw draw = draws[k];
  words[k].kernels =
      words_of(random_words(draw.seed, draw.purpose, draw.epoch, draw.cell, draw.gene));
  words[k].project = philox::random_words(
      philox::counter_of(draw.purpose, draw.epoch, draw.cell, draw.gene), draw.seed);
  // philox.h's mapping in the terms of curand_init: an offset counts words, a block has four.
  const unsigned long long subsequence =
      static_cast<unsigned long long>(draw.epoch) << 32 | draw.cell;
  const unsigned long long offset =
      (static_cast<unsigned long long>(draw.purpose) << 34) + (draw.gene & ~3u);
  curandStatePhilox4_32_10_t state;
  curand_init(draw.seed, subsequence, offset, &state);
  words[k].curand = words_of(curand4(&state));
}

}  // namespace

void draw_words(const Draw* draws, int n, DrawnWords* words, cudaStream_t stream) {
  draw_words_kernel<<<(n + kThreads - 1) / kThreads, kThreads, 0, stream>>>(draws, n, words);
  check_launch("draw_words_kernel");
}

}  // namespace maskclass::cuda::test
