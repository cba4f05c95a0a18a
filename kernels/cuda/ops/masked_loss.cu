// The weighted masked mean squared error with the biozero term as an operation of its own.
//
// Three launches: the denominators' parts of each block; the gradient and the loss's parts, with
// the denominators summed anew by every block; and the loss. A block of 256 threads has a fixed run
// of 4,096 entries, 256 neighbours at a time, so sums do not depend on the device. Global memory:
// 8 bytes an entry read, then 16 read and 4 written; about 12 operations an entry.
#include "kernels/cuda/ops/masked_loss.h"

#include <stdexcept>

#include "kernels/cuda/ops/masked_loss.cuh"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

constexpr std::int64_t kRun = 4096;

/// Parts of the denominators and of the loss, one a block.
struct Parts {
  SliceLoss* denominators;
  SliceLoss* losses;
  int n;
};

/// The sum of all parts, in every lane of a warp.
__device__ __forceinline__ BatchLoss sum_parts(const SliceLoss* parts, int n) {
  return sum_losses(parts, n, {1.0, 1.0});
}

__global__ void __launch_bounds__(kThreads, 2)
    denominators_kernel(LossEntries entries, Parts parts) {
  __shared__ float scratch[2][kWarps];
  SliceLoss sums{};
  const std::int64_t first = blockIdx.x * kRun;
  for (std::int64_t k = first + threadIdx.x; k < min(first + kRun, entries.n); k += kThreads) {
    sums.masked += entries.mask_weight[k];
    sums.biozero += entries.biozero[k];
  }
  sum_over_block(sums, scratch, parts.denominators[blockIdx.x]);
}

__device__ __forceinline__ LossScale scale_of(const Parts& parts) {
  const BatchLoss sums = sum_parts(parts.denominators, parts.n);
  return {sums.masked > 0 ? 1 / sums.masked : 0.0, sums.biozero > 0 ? 1 / sums.biozero : 0.0};
}

__global__ void __launch_bounds__(kThreads, 2)
    gradient_kernel(LossEntries entries, float gamma, Parts parts, float* gradient) {
  __shared__ float scratch[2][kWarps];
  const GradientScale scale = gradient_scale(scale_of(parts), gamma);
  SliceLoss loss{};
  const std::int64_t first = blockIdx.x * kRun;
  for (std::int64_t k = first + threadIdx.x; k < min(first + kRun, entries.n); k += kThreads) {
    gradient[k] = entry_gradient(entries.output[k] - entries.target[k], entries.mask_weight[k],
                                 entries.biozero[k], scale, loss);
  }
  sum_over_block(loss, scratch, parts.losses[blockIdx.x]);
}

__global__ void __launch_bounds__(kWarpSize) loss_kernel(Parts parts, BatchLoss* loss) {
  const LossScale scale = scale_of(parts);
  const BatchLoss sums = sum_losses(parts.losses, parts.n, scale);
  if (threadIdx.x == 0) *loss = sums;
}

int parts_of(std::int64_t n) {
  return static_cast<int>((n + kRun - 1) / kRun);
}

}  // namespace

std::size_t masked_loss_scratch(std::int64_t n) {
  return 2 * sizeof(SliceLoss) * parts_of(n);
}

void masked_loss(const LossEntries& entries, float gamma, void* scratch, float* gradient,
                 BatchLoss* loss, cudaStream_t stream) {
  if (entries.n < 1) throw std::invalid_argument("masked_loss: there must be at least one entry");
  if (entries.output == nullptr || entries.target == nullptr || entries.mask_weight == nullptr ||
      entries.biozero == nullptr || scratch == nullptr || gradient == nullptr || loss == nullptr) {
    throw std::invalid_argument("masked_loss: an array is missing");
  }
  const int n_parts = parts_of(entries.n);
  auto* denominators = static_cast<SliceLoss*>(scratch);
  const Parts parts{denominators, denominators + n_parts, n_parts};
  denominators_kernel<<<n_parts, kThreads, 0, stream>>>(entries, parts);
  check_launch("masked_loss denominators_kernel");
  gradient_kernel<<<n_parts, kThreads, 0, stream>>>(entries, gamma, parts, gradient);
  check_launch("masked_loss gradient_kernel");
  loss_kernel<<<1, kWarpSize, 0, stream>>>(parts, loss);
  check_launch("masked_loss loss_kernel");
}

}  // namespace maskclass::cuda
