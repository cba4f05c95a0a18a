// Adam as an operation of its own: a thread a number, 32 neighbours a warp. Global memory: 16 bytes
// read and 12 written a number; 9 operations, one of them a square root and one a division.
#include "kernels/cuda/ops/adam.h"

#include <stdexcept>

#include "kernels/cuda/ops/adam.cuh"
#include "kernels/cuda/ops/block_reduce.cuh"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

__global__ void __launch_bounds__(kThreads)
    adam_kernel(const __grid_constant__ AdamStep step, const float* gradient, std::int64_t n,
                Trained array) {
  const std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k < n) update(step, gradient[k], array, k);
}

}  // namespace

void adam(const AdamStep& step, const float* gradient, std::int64_t n, const Trained& array,
          cudaStream_t stream) {
  if (n < 0) throw std::invalid_argument("adam: a negative number of numbers");
  if (n == 0) return;
  if (gradient == nullptr || array.value == nullptr || array.first_moment == nullptr ||
      array.second_moment == nullptr) {
    throw std::invalid_argument("adam: an array is missing");
  }
  const auto n_blocks = static_cast<unsigned>((n + kThreads - 1) / kThreads);
  adam_kernel<<<n_blocks, kThreads, 0, stream>>>(step, gradient, n, array);
  check_launch("adam_kernel");
}

}  // namespace maskclass::cuda
