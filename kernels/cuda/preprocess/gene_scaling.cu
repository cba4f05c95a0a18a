// Values are grouped by gene by CUB's radix sort on the gene alone (2 passes below 65,536 genes:
// about 36 bytes a non-zero), whose keys then say where each gene begins.
// find_starts: a thread a gene; a binary search of the sorted keys.
// fit_genes: a block a gene. Radix select (radix_select.cuh) of both quantiles at once: 16 KB of
//   shared memory for histograms; reads 4 bytes a non-zero three times, four where a quantile
//   needs the next value, most of it from the L2 cache, since a gene's values are few. A gene whose
//   quantiles both fall among its zeros is not read at all.
// scale_values: a thread a non-zero. Reads 8 bytes and 12 of a table that the caches hold, writes
//   4; five operations.
#include <cub/device/device_radix_sort.cuh>

#include "kernels/cuda/preprocess/gene_scaling.h"
#include "kernels/cuda/preprocess/radix_select.cuh"
#include "kernels/cuda/runtime/grid.h"
#include "kernels/math/quantile_position.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;

/// Bits that tell n_genes genes apart.
int gene_bits(std::int32_t n_genes) {
  int bits = 1;
  while (bits < 31 && (std::int64_t{1} << bits) < n_genes) ++bits;
  return bits;
}

/// One place for the call, which CUB wants twice. A null workspace sets `bytes` only.
void sort_by_gene(void* workspace, std::size_t& bytes, const std::uint32_t* genes,
                  std::uint32_t* sorted_genes, const std::uint32_t* values, std::uint32_t* grouped,
                  std::int64_t n_nonzeros, std::int32_t n_genes, cudaStream_t stream) {
  check(cub::DeviceRadixSort::SortPairs(workspace, bytes, genes, sorted_genes, values, grouped,
                                        n_nonzeros, 0, gene_bits(n_genes), stream),
        "sorting values by gene");
}

__global__ void __launch_bounds__(kThreads)
    find_starts(std::int32_t n_genes, std::int64_t n_nonzeros,
                const std::uint32_t* __restrict__ sorted_genes, std::int64_t* __restrict__ starts) {
  const std::int64_t gene = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (gene > n_genes) return;
  std::int64_t first = 0;
  std::int64_t end = n_nonzeros;
  while (first < end) {
    const std::int64_t middle = first + (end - first) / 2;
    if (sorted_genes[middle] < gene) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  starts[gene] = first;
}

/// The order statistic of the non-zeros that a quantile asks for, and what it means.
struct WantedRank {
  std::int64_t rank;  ///< Negative: none, the quantile is 0.
  bool is_above;      ///< It is the upper of the two; the lower is a zero.
  double fraction;
};

__device__ WantedRank wanted_rank(std::int64_t n_cells, std::int64_t n_zeros, double q) {
  const QuantilePosition position = quantile_position(n_cells, q);
  if (position.lower >= n_zeros) return {position.lower - n_zeros, false, position.fraction};
  if (position.fraction > 0 && position.lower + 1 == n_zeros) return {0, true, position.fraction};
  return {-1, false, 0};
}

using SelectQuantiles = RadixSelect<kThreads, 2, std::uint32_t>;

__device__ float quantile_of(const WantedRank& wanted, const SelectQuantiles::Shared& found,
                             int r) {
  if (wanted.rank < 0) return 0;
  const auto at = static_cast<double>(__uint_as_float(found.at[r]));
  if (wanted.is_above) return static_cast<float>(quantile_between(0, at, wanted.fraction));
  const auto next = static_cast<double>(__uint_as_float(found.next[r]));
  return static_cast<float>(quantile_between(at, next, wanted.fraction));
}

__global__ void __launch_bounds__(kThreads)
    fit_genes(std::int64_t n_cells, const std::int64_t* __restrict__ starts,
              const std::uint32_t* __restrict__ grouped, const float* __restrict__ largest_counts,
              QuantileRange quantiles, GeneScaling* __restrict__ scaling) {
  __shared__ SelectQuantiles::Shared shared;
  const unsigned gene = blockIdx.x;
  const std::int64_t n_nonzeros = starts[gene + 1] - starts[gene];
  {
    const std::int64_t n_zeros = n_cells - n_nonzeros;
    const std::int64_t ranks[2] = {wanted_rank(n_cells, n_zeros, quantiles.low).rank,
                                   wanted_rank(n_cells, n_zeros, quantiles.high).rank};
    if (ranks[0] >= 0 || ranks[1] >= 0) {
      SelectQuantiles::run(shared, grouped + starts[gene], n_nonzeros, ranks);
    }
  }
  if (threadIdx.x != 0) return;
  // Worked out again: what lives across the select costs registers in every thread.
  const WantedRank low = wanted_rank(n_cells, n_cells - n_nonzeros, quantiles.low);
  const WantedRank high = wanted_rank(n_cells, n_cells - n_nonzeros, quantiles.high);
  scaling[gene] = make_gene_scaling(quantile_of(low, shared, 0), quantile_of(high, shared, 1),  //
                                    largest_counts[gene]);
}

__global__ void __launch_bounds__(kThreads)
    scale_values(std::int64_t n_nonzeros, const std::int32_t* __restrict__ genes,
                 const float* log2_values, const GeneScaling* __restrict__ scaling, float* scaled) {
  const std::int64_t k = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k < n_nonzeros) scaled[k] = scale(log2_values[k], scaling[genes[k]]);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("fit_gene_scaling: ") + what);
}

}  // namespace

void GeneScalingWorkspace::plan(MemoryPlan& memory, std::int64_t n_nonzeros, std::int32_t n_genes) {
  const auto size = static_cast<std::size_t>(n_nonzeros);
  memory.add(sorted_genes, "genes of the sorted values", size);
  memory.add(grouped, "values gene by gene", size);
  memory.add(starts, "where each gene's values begin", static_cast<std::size_t>(n_genes) + 1);
  std::size_t bytes = 0;
  if (n_nonzeros > 0) {
    sort_by_gene(nullptr, bytes, nullptr, nullptr, nullptr, nullptr, n_nonzeros, n_genes, nullptr);
  }
  memory.add(sort, "work space of the sort", bytes);
}

void fit_gene_scaling(const DeviceCsr& counts, const float* log2_values,
                      const float* largest_counts, const QuantileRange& quantiles,
                      GeneScalingWorkspace& workspace, GeneScaling* scaling_out,
                      const Context& context) {
  require_csr(counts, "fit_gene_scaling");
  require(counts.n_cells > 0, "there are no cells");
  require(quantiles.low >= 0 && quantiles.low <= 1 && quantiles.high >= 0 && quantiles.high <= 1,
          "a quantile is not in [0, 1]");
  if (counts.n_genes == 0) return;
  require(largest_counts != nullptr && scaling_out != nullptr, "an array is missing");
  require(counts.n_nonzeros == 0 || log2_values != nullptr, "the log2 values are missing");
  if (workspace.grouped.size() < static_cast<std::size_t>(counts.n_nonzeros) ||
      workspace.starts.size() < static_cast<std::size_t>(counts.n_genes) + 1) {
    throw std::logic_error("fit_gene_scaling: the workspace is too small");
  }
  if (counts.n_nonzeros > 0) {
    std::size_t bytes = workspace.sort.size();
    sort_by_gene(workspace.sort.data(), bytes,
                 reinterpret_cast<const std::uint32_t*>(counts.indices),
                 workspace.sorted_genes.data(), reinterpret_cast<const std::uint32_t*>(log2_values),
                 workspace.grouped.data(), counts.n_nonzeros, counts.n_genes, context.stream);
  }
  find_starts<<<blocks_for(std::int64_t{counts.n_genes} + 1, kThreads, "find_starts"), kThreads, 0,
                context.stream>>>(counts.n_genes, counts.n_nonzeros, workspace.sorted_genes.data(),
                                  workspace.starts.data());
  check_launch("find_starts");
  fit_genes<<<static_cast<unsigned>(counts.n_genes), kThreads, 0, context.stream>>>(
      counts.n_cells, workspace.starts.data(), workspace.grouped.data(), largest_counts, quantiles,
      scaling_out);
  check_launch("fit_genes");
}

void scale_nonzeros(std::int64_t n_nonzeros, const std::int32_t* genes, const float* log2_values,
                    const GeneScaling* scaling, float* scaled_out, const Context& context) {
  if (n_nonzeros == 0) return;
  if (genes == nullptr || log2_values == nullptr || scaling == nullptr || scaled_out == nullptr) {
    throw std::invalid_argument("scale_nonzeros: an array is missing");
  }
  const unsigned blocks = blocks_for(n_nonzeros, kThreads, "scale_nonzeros");
  scale_values<<<blocks, kThreads, 0, context.stream>>>(n_nonzeros, genes, log2_values, scaling,
                                                        scaled_out);
  check_launch("scale_values");
}

}  // namespace maskclass::cuda
