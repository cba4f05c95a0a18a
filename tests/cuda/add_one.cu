// The simplest kernel: one thread a value.
#include "kernels/cuda/runtime/error.h"
#include "tests/cuda/add_one.h"

namespace maskclass::test {
namespace {

constexpr int kThreads = 64;

__global__ void add_one_kernel(int* values, int n) {
  const int at = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (at < n) values[at] += 1;
}

}  // namespace

void add_one(int* values, int n, cudaStream_t stream) {
  add_one_kernel<<<(n + kThreads - 1) / kThreads, kThreads, 0, stream>>>(values, n);
  cuda::check_launch("add_one_kernel");
}

void launch_too_many_threads(cudaStream_t stream) {
  constexpr int kTooMany = 2048;
  add_one_kernel<<<1, kTooMany, 0, stream>>>(nullptr, 0);
  cuda::check_launch("add_one_kernel");
}

}  // namespace maskclass::test
