#include "engine/biozero/calibrated/held_out_likelihood.h"

#include <cmath>

#include "engine/math.h"

namespace maskclass::calibrated {

double log_probability_of_count(double count, const GammaDistribution& gamma,
                                const LogisticDropout& dropout) {
  const double shape = gamma.shape;
  const double mean = std::exp(gamma.log_mean);
  const double log_negative_binomial = log_gamma(count + shape) - log_gamma(shape) -
                                       log_gamma(count + 1) - shape * std::log1p(mean / shape) +
                                       count * (gamma.log_mean - std::log(shape + mean));
  if (!dropout.present) return log_negative_binomial;
  // Given t = count, lambda is Gamma(shape + count, rate shape / mean + 1).
  const double posterior_shape = shape + count;
  const GammaDistribution posterior{
      std::log(posterior_shape) + gamma.log_mean - std::log(shape + mean), posterior_shape};
  double kept = 0;
  double total = 0;
  const GammaRule rule(posterior, dropout.slope);
  for (const GammaNode& node : rule.nodes()) {
    kept += node.weight / (1 + std::exp(dropout.level - dropout.slope * node.log_lambda));
    total += node.weight;
  }
  return log_negative_binomial + std::log(kept / total);
}

HeldOutLikelihood held_out_likelihood(const CsrView& counts, std::span<const double> library_factor,
                                      const Clusters& clusters, const HeldOut& held_out,
                                      const Model& model, const ZeroTable& table, int n_threads) {
  HeldOutLikelihood result;
  result.of_cell.resize(counts.n_cells);
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const std::int32_t cluster = clusters.of_cell[cell];
    const double log_l = std::log(library_factor[cell]);
    const ZeroTable::NodeWeights weights = table.weights(cluster, log_l);
    const auto genes = counts.row_indices(cell);
    const auto values = counts.row_values(cell);
    std::size_t next = 0;
    double sum = 0;
    for (const std::int32_t gene : held_out.of_cell(cell)) {
      while (next < genes.size() && genes[next] < gene) ++next;
      const bool is_zero = next == genes.size() || genes[next] != gene;
      if (is_zero) {
        sum += table.without_values(cluster, gene, weights).log_evidence;
        continue;
      }
      const GammaDistribution gamma = model.distribution(cluster, gene, log_l);
      sum += log_probability_of_count(values[next], gamma, model.dropout_at(cluster, gamma));
    }
    result.of_cell[cell] = sum;
  }
  for (const double sum : result.of_cell) result.sum += sum;
  return result;
}

}  // namespace maskclass::calibrated
