// A warp a cell, a lane every 32nd of its counts. No shared memory. Reads 8 bytes a non-zero and
// 24 a cell, writes 4 a non-zero; 32 float64 instructions a non-zero, a division among them
// (kernels/math/log2.h). The largest counts are kept by an atomic maximum of integers, which the
// counts' bits are as good as, not being negative: any order gives the same. A count that cannot be
// the largest, as almost all are after the first few cells, costs a read that finds its line in the
// L2 cache.
#include "kernels/cuda/preprocess/normalise.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/grid.h"
#include "kernels/math/normalise.h"

namespace maskclass::cuda {
namespace {

constexpr int kWarp = 32;
constexpr int kThreads = 256;

__device__ void raise(unsigned* largest, unsigned value) {
  // Volatile: a value read from the L1 cache could be old for ever.
  if (value > *static_cast<volatile unsigned*>(largest)) atomicMax(largest, value);
}

__global__ void __launch_bounds__(kThreads)
    normalise_cells(std::int64_t n_cells, std::int64_t first_nonzero,
                    const std::int64_t* __restrict__ indptr,
                    const std::int32_t* __restrict__ indices, const float* __restrict__ counts,
                    const double* __restrict__ size_factors, float* __restrict__ log2_out,
                    unsigned* largest_counts) {
  const std::int64_t cell =
      static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (cell >= n_cells) return;
  const double size_factor = size_factors[cell];
  const std::int64_t end = indptr[cell + 1] - first_nonzero;
  for (std::int64_t k = indptr[cell] - first_nonzero + threadIdx.x % kWarp; k < end; k += kWarp) {
    const float count = counts[k];
    log2_out[k] = log_normalised(count, size_factor);
    raise(&largest_counts[indices[k]], __float_as_uint(count));
  }
}

}  // namespace

void log_normalise(const DeviceCsr& counts, const double* size_factors, float* log2_out,
                   float* largest_counts, const Context& context) {
  constexpr const char* kName = "log_normalise";
  require_csr(counts, kName);
  if (size_factors == nullptr || (counts.n_nonzeros > 0 && log2_out == nullptr) ||
      (counts.n_genes > 0 && largest_counts == nullptr)) {
    throw std::invalid_argument("log_normalise: an array is missing");
  }
  if (counts.n_genes > 0) {
    const auto bytes = static_cast<std::size_t>(counts.n_genes) * sizeof *largest_counts;
    check(cudaMemsetAsync(largest_counts, 0, bytes, context.stream), kName);
  }
  if (counts.n_nonzeros == 0) return;
  const unsigned blocks = blocks_for(counts.n_cells, kThreads / kWarp, kName);
  normalise_cells<<<blocks, kThreads, 0, context.stream>>>(
      counts.n_cells, counts.first_nonzero, counts.indptr, counts.indices, counts.values,
      size_factors, log2_out, reinterpret_cast<unsigned*>(largest_counts));
  check_launch("normalise_cells");
}

}  // namespace maskclass::cuda
