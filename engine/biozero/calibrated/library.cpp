#include "engine/biozero/calibrated/library.h"

#include <cmath>

#include "engine/preprocess/quantile.h"

namespace maskclass::calibrated {

std::vector<double> restored_library_sizes(const CsrView& counts,
                                           std::span<const double> library_size,
                                           std::span<const double> library_factor,
                                           const Clusters& clusters, const ZeroTable& table,
                                           int n_threads) {
  std::vector<double> restored(library_size.begin(), library_size.end());
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const std::int32_t cluster = clusters.of_cell[cell];
    const ZeroTable::NodeWeights weights = table.weights(cluster, std::log(library_factor[cell]));
    const auto genes = counts.row_indices(cell);
    std::size_t next = 0;
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
      if (next < genes.size() && genes[next] == gene) {
        ++next;
        continue;
      }
      const ZeroPosterior zero = table.without_values(cluster, gene, weights);
      restored[cell] += (1 - zero.zero_probability) * zero.dropped_count;
    }
  }
  return restored;
}

std::vector<double> factors_of(std::span<const double> library_size) {
  std::vector<double> reordered(library_size.begin(), library_size.end());
  const double median = quantile(std::span(reordered), 0.5);
  std::vector<double> factors(library_size.begin(), library_size.end());
  for (double& factor : factors) factor /= median;
  return factors;
}

}  // namespace maskclass::calibrated
