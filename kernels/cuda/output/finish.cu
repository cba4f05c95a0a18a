// A block a cell: its threads take the genes of the row in turn, then, where observed values are
// kept, the cell's non-zeros. No shared memory. Reads 4 bytes a value and 8 a non-zero; writes 4 a
// value where it is clamped and 4 where counts are wanted, and as much again for a non-zero, mostly
// still in the L2 cache. A count takes 18 float64 instructions, a kept value 32.
#include "kernels/cuda/output/finish.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/grid.h"
#include "kernels/math/normalise.h"
#include "kernels/math/result_values.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;

struct FinishArgs {
  std::int64_t first_nonzero;
  const std::int64_t* indptr;
  const std::int32_t* indices;
  const float* counts;
  const double* size_factors;
  const double* library_factors;
  float* log2_values;
  float* counts_out;
  std::int32_t n_genes;
  FinishOptions options;
};

__device__ void finish_row(const FinishArgs& args, std::int64_t cell) {
  for (std::int64_t gene = threadIdx.x; gene < args.n_genes; gene += kThreads) {
    const std::int64_t at = cell * args.n_genes + gene;
    float value = args.log2_values[at];
    if (args.options.clamp) {
      value = clamped_log2(value);
      args.log2_values[at] = value;
    }
    if (args.counts_out != nullptr) {
      args.counts_out[at] = count_of_log2(value, args.library_factors[cell]);
    }
  }
}

__device__ void keep_observed(const FinishArgs& args, std::int64_t cell) {
  const double size_factor = args.size_factors[cell];
  const std::int64_t end = args.indptr[cell + 1] - args.first_nonzero;
  for (std::int64_t k = args.indptr[cell] - args.first_nonzero + threadIdx.x; k < end;
       k += kThreads) {
    const std::int64_t at = cell * args.n_genes + args.indices[k];
    args.log2_values[at] = log_normalised(args.counts[k], size_factor);
    if (args.counts_out != nullptr) args.counts_out[at] = args.counts[k];
  }
}

__global__ void __launch_bounds__(kThreads) finish_cells(FinishArgs args) {
  const std::int64_t cell = blockIdx.x;
  finish_row(args, cell);
  if (!args.options.keep_observed) return;
  __syncthreads();  // what is kept comes after what is finished
  keep_observed(args, cell);
}

}  // namespace

void finish_results(const DeviceCsr& counts, const double* size_factors,
                    const double* library_factors, const FinishOptions& options, float* log2_values,
                    float* counts_out, const Context& context) {
  constexpr const char* kName = "finish_results";
  require_csr(counts, kName);
  if (counts.n_cells == 0 || counts.n_genes == 0) return;
  const bool missing = log2_values == nullptr ||
                       (options.keep_observed && size_factors == nullptr) ||
                       (counts_out != nullptr && library_factors == nullptr);
  if (missing) throw std::invalid_argument("finish_results: an array is missing");
  const FinishArgs args{counts.first_nonzero, counts.indptr,   counts.indices, counts.values,
                        size_factors,         library_factors, log2_values,    counts_out,
                        counts.n_genes,       options};
  finish_cells<<<blocks_for(counts.n_cells, 1, kName), kThreads, 0, context.stream>>>(args);
  check_launch("finish_cells");
}

}  // namespace maskclass::cuda
