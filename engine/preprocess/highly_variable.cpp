#include "engine/preprocess/highly_variable.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/preprocess/gene_moments.h"
#include "engine/preprocess/variance_trend.h"

namespace maskclass {
namespace {

/// Genes with positive biological variance, the most variable first, ties in input order.
std::vector<std::int32_t> genes_by_biological_variance(const std::vector<GeneVariance>& genes) {
  std::vector<std::int32_t> order;
  for (std::int32_t gene = 0; gene < static_cast<std::int32_t>(genes.size()); ++gene) {
    if (genes[gene].biological > 0) order.push_back(gene);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return genes[a].biological > genes[b].biological;
  });
  return order;
}

}  // namespace

HvgResult rank_highly_variable_genes(const CsrView& counts, std::span<const double> library_sizes,
                                     int n_top, int n_threads) {
  const GeneMoments moments = log_moments(counts, library_sizes, n_threads);
  const std::optional<VarianceTrend> trend = fit_variance_trend(moments.means, moments.variances);

  HvgResult result;
  result.genes.resize(counts.n_genes);
  for (std::int64_t k = 0; k < counts.n_genes; ++k) {
    GeneVariance& gene = result.genes[k];
    gene.mean = moments.means[k];
    gene.total = moments.variances[k];
    gene.technical = trend ? (*trend)(gene.mean) : 0;
    gene.biological = gene.total - gene.technical;
  }
  result.top = genes_by_biological_variance(result.genes);
  if (n_top > 0 && result.top.size() > static_cast<std::size_t>(n_top)) result.top.resize(n_top);
  for (std::size_t rank = 0; rank < result.top.size(); ++rank) {
    result.genes[result.top[rank]].rank = static_cast<std::int32_t>(rank);
  }
  return result;
}

}  // namespace maskclass
