#include "engine/preprocess/variance_trend.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/preprocess/inverse_density.h"
#include "engine/preprocess/weighted_median.h"

namespace maskclass {
namespace {

/// Below these a gene says nothing about the trend: it is hardly expressed, or does not vary.
constexpr double kSmallestMean = 0.1;
constexpr double kSmallestVariance = 1e-8;

/// Outside these bounds a curve is an artefact of few genes, and its logarithm of no use.
constexpr double kLowestCurve = 1e-100;
constexpr double kHighestCurve = 1e100;

/// The genes that carry the fit, ascending by mean, ties in input order.
struct FittedGenes {
  std::vector<double> means;
  std::vector<double> variances;
};

FittedGenes genes_to_fit(std::span<const double> means, std::span<const double> variances) {
  std::vector<std::size_t> order;
  for (std::size_t gene = 0; gene < means.size(); ++gene) {
    if (means[gene] >= kSmallestMean && variances[gene] > kSmallestVariance) order.push_back(gene);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return means[a] < means[b]; });
  FittedGenes fitted;
  for (const std::size_t gene : order) {
    fitted.means.push_back(means[gene]);
    fitted.variances.push_back(variances[gene]);
  }
  return fitted;
}

bool is_usable(const VarianceCurve& curve, std::span<const double> means) {
  return std::isnormal(std::exp(curve.a)) && std::isnormal(std::exp(curve.b)) &&
         std::all_of(means.begin(), means.end(), [&](double mean) {
           const double value = curve(mean);
           return value >= kLowestCurve && value <= kHighestCurve;
         });
}

/// A m / (m + 1) through the centre of the genes: positive and finite for every mean.
VarianceCurve saturating_curve(const FittedGenes& genes) {
  const double variance = std::accumulate(genes.variances.begin(), genes.variances.end(), 0.0);
  const double share =
      std::accumulate(genes.means.begin(), genes.means.end(), 0.0,
                      [](double sum, double mean) { return sum + mean / (mean + 1); });
  return {std::log(variance / share), 0, -std::numeric_limits<double>::infinity()};
}

}  // namespace

double VarianceTrend::operator()(double mean) const {
  return std::exp(log_residue(mean)) * curve(mean) * scale;
}

std::optional<VarianceTrend> fit_variance_trend(std::span<const double> means,
                                                std::span<const double> variances) {
  const FittedGenes genes = genes_to_fit(means, variances);
  const std::size_t n = genes.means.size();
  if (n == 0) return std::nullopt;
  const std::vector<double> weights = inverse_density_weights(genes.means);

  VarianceTrend trend;
  trend.curve = fit_curve(genes.means, genes.variances, weights,
                          starting_curve(genes.means, genes.variances));
  if (!is_usable(trend.curve, genes.means)) trend.curve = saturating_curve(genes);
  std::vector<double> log_ratio(n);
  for (std::size_t k = 0; k < n; ++k) {
    log_ratio[k] = std::log(genes.variances[k]) - std::log(trend.curve(genes.means[k]));
  }
  trend.log_residue = weighted_lowess(genes.means, log_ratio, weights);

  std::vector<double> ratio(n);
  for (std::size_t k = 0; k < n; ++k) ratio[k] = genes.variances[k] / trend(genes.means[k]);
  trend.scale = weighted_median(ratio, weights);
  return trend;
}

}  // namespace maskclass
