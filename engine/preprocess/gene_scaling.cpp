#include "engine/preprocess/gene_scaling.h"

#include <algorithm>

#include "engine/preprocess/normalise.h"
#include "engine/preprocess/quantile.h"

namespace maskclass {
namespace {

/// The log2 values and largest counts of all genes, grouped by gene; quantiles need no cells.
struct ValuesByGene {
  std::vector<std::int64_t> indptr;  ///< [n_genes + 1]
  std::vector<float> values;         ///< [n_nonzeros]
  std::vector<float> max_counts;     ///< [n_genes]
};

/// The first genes of `n_parts` ranges that hold about equally many non-zeros, and n_genes.
std::vector<std::int64_t> balanced_ranges(const std::vector<std::int64_t>& indptr, int n_parts) {
  std::vector<std::int64_t> bounds(n_parts + 1, 0);
  for (int part = 1; part < n_parts; ++part) {
    const std::int64_t target = indptr.back() / n_parts * part;
    bounds[part] = std::lower_bound(indptr.begin(), indptr.end() - 1, target) - indptr.begin();
  }
  bounds[n_parts] = static_cast<std::int64_t>(indptr.size()) - 1;
  return bounds;
}

/// Fills the values of genes [first, end) from all cells. `next` is the place of each gene's next.
void gather_genes(const CsrView& counts, std::span<const double> size_factors, std::int64_t first,
                  std::int64_t end, std::vector<std::int64_t>& next, ValuesByGene& result) {
  for (std::int64_t cell = 0; cell < counts.n_cells && first < end; ++cell) {
    const auto genes = counts.row_indices(cell);
    const auto values = counts.row_values(cell);
    std::size_t k = std::lower_bound(genes.begin(), genes.end(), first) - genes.begin();
    for (; k < genes.size() && genes[k] < end; ++k) {
      const std::int32_t gene = genes[k];
      result.values[next[gene]++] = log_normalised(values[k], size_factors[cell]);
      result.max_counts[gene] = std::max(result.max_counts[gene], values[k]);
    }
  }
}

ValuesByGene gather_by_gene(const CsrView& counts, std::span<const double> size_factors,
                            int n_threads) {
  ValuesByGene result;
  result.indptr.assign(counts.n_genes + 1, 0);
  for (const std::int32_t gene : counts.indices) ++result.indptr[gene + 1];
  for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
    result.indptr[gene + 1] += result.indptr[gene];
  }
  result.values.resize(counts.n_nonzeros());
  result.max_counts.assign(counts.n_genes, 0.0f);
  std::vector<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
  // Each thread owns a range of genes and walks all cells: no two write to the same gene.
  const std::vector<std::int64_t> bounds = balanced_ranges(result.indptr, n_threads);
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
  for (int part = 0; part < n_threads; ++part) {
    gather_genes(counts, size_factors, bounds[part], bounds[part + 1], next, result);
  }
  return result;
}

GeneScaling scaling_of(std::span<float> nonzeros, std::int64_t n_cells, float max_count,
                       const Winsorising& quantiles) {
  const std::int64_t n_zeros = n_cells - static_cast<std::int64_t>(nonzeros.size());
  return make_gene_scaling(
      static_cast<float>(quantile_with_zeros(nonzeros, n_zeros, quantiles.low)),
      static_cast<float>(quantile_with_zeros(nonzeros, n_zeros, quantiles.high)), max_count);
}

}  // namespace

std::vector<GeneScaling> fit_gene_scaling(const CsrView& counts,
                                          std::span<const double> size_factors, int n_threads,
                                          const Winsorising& quantiles) {
  n_threads = std::max(1, n_threads);
  ValuesByGene genes = gather_by_gene(counts, size_factors, n_threads);
  std::vector<GeneScaling> scaling(counts.n_genes);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 16)
  for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
    const std::int64_t first = genes.indptr[gene];
    const std::span<float> nonzeros(genes.values.data() + first, genes.indptr[gene + 1] - first);
    scaling[gene] = scaling_of(nonzeros, counts.n_cells, genes.max_counts[gene], quantiles);
  }
  return scaling;
}

std::vector<float> scale_nonzeros(const CsrView& counts, std::span<const double> size_factors,
                                  std::span<const GeneScaling> scaling, int n_threads) {
  std::vector<float> scaled(counts.n_nonzeros());
#pragma omp parallel for num_threads(std::max(1, n_threads)) schedule(dynamic, 64)
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t k = counts.indptr[cell]; k < counts.indptr[cell + 1]; ++k) {
      scaled[k] =
          scale(log_normalised(counts.values[k], size_factors[cell]), scaling[counts.indices[k]]);
    }
  }
  return scaled;
}

}  // namespace maskclass
