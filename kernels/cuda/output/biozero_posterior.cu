// A block a cell: its threads take the genes of the row in turn, then the cell's non-zeros, which
// become 0. No shared memory. Reads 16 bytes a gene, which the L2 cache holds for all cells, and 4
// a non-zero; writes 4 bytes a value and 4 a non-zero, mostly still in the L2 cache. A value takes
// two exp, one log1p and two divisions in float64, 73 instructions (docs/CUDA.md says what that is
// on GPUs with few float64 units).
#include "kernels/cuda/output/biozero_posterior.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/grid.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    posterior_of_cells(std::int64_t first_nonzero, const std::int64_t* __restrict__ indptr,
                       const std::int32_t* __restrict__ indices, std::int32_t n_genes,
                       const BiozeroGene* __restrict__ genes, DropoutLogOdds dropout,
                       const double* __restrict__ log_library_factors, float* biozero) {
  const std::int64_t cell = blockIdx.x;
  const double log_library_factor = log_library_factors[cell];
  float* row = biozero + cell * n_genes;
  for (std::int32_t gene = threadIdx.x; gene < n_genes; gene += kThreads) {
    const BiozeroGene parameters = genes[gene];  // 16 bytes at once
    row[gene] = static_cast<float>(biozero_posterior(parameters, dropout, log_library_factor));
  }
  __syncthreads();  // counts come after
  const std::int64_t end = indptr[cell + 1] - first_nonzero;
  for (std::int64_t k = indptr[cell] - first_nonzero + threadIdx.x; k < end; k += kThreads) {
    row[indices[k]] = 0;
  }
}

}  // namespace

void biozero_posteriors(const DeviceCsr& counts, const BiozeroGene* genes,
                        const DropoutLogOdds& dropout, const double* log_library_factors,
                        float* biozero_out, const Context& context) {
  constexpr const char* kName = "biozero_posteriors";
  require_csr(counts, kName);
  if (counts.n_cells == 0 || counts.n_genes == 0) return;
  if (genes == nullptr || log_library_factors == nullptr || biozero_out == nullptr) {
    throw std::invalid_argument("biozero_posteriors: an array is missing");
  }
  posterior_of_cells<<<blocks_for(counts.n_cells, 1, kName), kThreads, 0, context.stream>>>(
      counts.first_nonzero, counts.indptr, counts.indices, counts.n_genes, genes, dropout,
      log_library_factors, biozero_out);
  check_launch("posterior_of_cells");
}

}  // namespace maskclass::cuda
