#include "engine/preprocess/highly_variable.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

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

/// The variances of the genes, none ranked.
std::vector<GeneVariance> gene_variances(const CsrPart& counts,
                                         std::span<const double> library_sizes, int n_threads) {
  const GeneMoments moments = log_moments(counts, library_sizes, n_threads);
  const std::optional<VarianceTrend> trend = fit_variance_trend(moments.means, moments.variances);
  std::vector<GeneVariance> genes(counts.n_genes());
  for (std::int64_t k = 0; k < counts.n_genes(); ++k) {
    GeneVariance& gene = genes[k];
    gene.mean = moments.means[k];
    gene.total = moments.variances[k];
    gene.technical = trend ? (*trend)(gene.mean) : 0;
    gene.biological = gene.total - gene.technical;
  }
  return genes;
}

HvgResult ranked(std::vector<GeneVariance> genes, int n_top) {
  HvgResult result;
  result.genes = std::move(genes);
  result.top = genes_by_biological_variance(result.genes);
  if (n_top > 0 && result.top.size() > static_cast<std::size_t>(n_top)) result.top.resize(n_top);
  for (std::size_t rank = 0; rank < result.top.size(); ++rank) {
    result.genes[result.top[rank]].rank = static_cast<std::int32_t>(rank);
  }
  return result;
}

/// Adds a share of each of `more` to `sum`.
void add_share(const std::vector<GeneVariance>& more, double share,
               std::vector<GeneVariance>& sum) {
  for (std::size_t k = 0; k < more.size(); ++k) {
    sum[k].mean += share * more[k].mean;
    sum[k].total += share * more[k].total;
    sum[k].technical += share * more[k].technical;
    sum[k].biological += share * more[k].biological;
  }
}

}  // namespace

HvgResult rank_highly_variable_genes(const CsrPart& counts, std::span<const double> library_sizes,
                                     int n_top, int n_threads) {
  return ranked(gene_variances(counts, library_sizes, n_threads), n_top);
}

HvgResult rank_highly_variable_genes(const CsrPart& counts, std::span<const double> library_sizes,
                                     std::span<const std::int32_t> batch_of, int n_top,
                                     int n_threads) {
  if (batch_of.empty()) {
    return rank_highly_variable_genes(counts, library_sizes, n_top, n_threads);
  }
  std::vector<std::vector<std::int64_t>> cells_of;
  for (std::size_t cell = 0; cell < batch_of.size(); ++cell) {
    const auto batch = static_cast<std::size_t>(batch_of[cell]);
    if (batch >= cells_of.size()) cells_of.resize(batch + 1);
    cells_of[batch].push_back(static_cast<std::int64_t>(cell));
  }
  std::erase_if(cells_of, [](const auto& cells) { return cells.size() < 2; });

  std::vector<GeneVariance> mean(counts.n_genes());
  for (const std::vector<std::int64_t>& cells : cells_of) {
    std::vector<double> sizes;
    for (const std::int64_t cell : cells) sizes.push_back(library_sizes[cell]);
    add_share(gene_variances(counts.with_cells(cells), sizes, n_threads),
              1.0 / static_cast<double>(cells_of.size()), mean);
  }
  return ranked(std::move(mean), n_top);
}

}  // namespace maskclass
