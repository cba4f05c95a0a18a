// sum_cells: a warp a cell; lane l adds the counts l, l + 32, ... of the cell in order, and the 32
//   sums are added as a tree. No shared memory. Reads 4 bytes a non-zero and 16 a cell, writes 8 a
//   cell; one float64 addition a non-zero.
// find_median: one block. Radix select (radix_select.cuh) of the sizes' bits, which order positive
//   numbers as their values: reads 8 bytes a cell up to seven times. One block alone is enough: a
//   million cells are 8 MB.
// divide: a thread a cell; reads 8 bytes, writes 8, one division.
#include "kernels/cuda/preprocess/library_sizes.h"
#include "kernels/cuda/preprocess/radix_select.cuh"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/grid.h"
#include "kernels/math/quantile_position.h"

namespace maskclass::cuda {
namespace {

constexpr int kWarp = 32;
constexpr int kThreads = 256;
constexpr int kMedianThreads = 1024;

__global__ void __launch_bounds__(kThreads)
    sum_cells(std::int64_t n_cells, std::int64_t first_nonzero,
              const std::int64_t* __restrict__ indptr, const float* __restrict__ counts,
              double* __restrict__ sizes, LibraryStatistics* __restrict__ statistics) {
  const std::int64_t cell =
      static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (cell >= n_cells) return;  // whole warps
  const int lane = threadIdx.x % kWarp;
  const std::int64_t end = indptr[cell + 1] - first_nonzero;
  double sum = 0;
  for (std::int64_t k = indptr[cell] - first_nonzero + lane; k < end; k += kWarp) {
    sum += counts[k];
  }
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    sum += __shfl_down_sync(0xFFFFFFFFu, sum, distance);
  }
  if (lane != 0) return;
  sizes[cell] = sum;
  if (!(sum > 0 && sum <= 1.7976931348623157e308)) {
    atomicMin(&statistics->first_empty_cell, static_cast<unsigned long long>(cell));
  }
}

using SelectMedian = RadixSelect<kMedianThreads, 1, unsigned long long>;

__global__ void __launch_bounds__(kMedianThreads)
    find_median(std::int64_t n_cells, const double* __restrict__ sizes,
                LibraryStatistics* __restrict__ statistics) {
  __shared__ SelectMedian::Shared shared;
  const QuantilePosition position = quantile_position(n_cells, 0.5);
  const std::int64_t ranks[1] = {position.lower};
  SelectMedian::run(shared, reinterpret_cast<const unsigned long long*>(sizes), n_cells, ranks);
  if (threadIdx.x != 0) return;
  statistics->median = quantile_between(
      __longlong_as_double(static_cast<long long>(shared.at[0])),
      __longlong_as_double(static_cast<long long>(shared.next[0])), position.fraction);
}

__global__ void __launch_bounds__(kThreads)
    divide(std::int64_t n_cells, const double* __restrict__ sizes,
           const LibraryStatistics* __restrict__ statistics, double* __restrict__ size_factors) {
  const std::int64_t cell = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (cell < n_cells) size_factors[cell] = statistics->median / sizes[cell];
}

}  // namespace

void measure_libraries_of(const DeviceCsr& counts, double* sizes, double* size_factors,
                          LibraryStatistics* statistics, const Context& context) {
  constexpr const char* kName = "measure_libraries_of";
  require_csr(counts, kName);
  if (counts.n_cells == 0) throw std::invalid_argument("measure_libraries_of: there are no cells");
  if (sizes == nullptr || size_factors == nullptr || statistics == nullptr) {
    throw std::invalid_argument("measure_libraries_of: an array for the results is missing");
  }
  // Every byte 0xFF: kNoCell.
  check(cudaMemsetAsync(statistics, 0xFF, sizeof *statistics, context.stream), kName);
  sum_cells<<<blocks_for(counts.n_cells, kThreads / kWarp, kName), kThreads, 0, context.stream>>>(
      counts.n_cells, counts.first_nonzero, counts.indptr, counts.values, sizes, statistics);
  check_launch("sum_cells");
  find_median<<<1, kMedianThreads, 0, context.stream>>>(counts.n_cells, sizes, statistics);
  check_launch("find_median");
  divide<<<blocks_for(counts.n_cells, kThreads, kName), kThreads, 0, context.stream>>>(
      counts.n_cells, sizes, statistics, size_factors);
  check_launch("divide");
}

}  // namespace maskclass::cuda
