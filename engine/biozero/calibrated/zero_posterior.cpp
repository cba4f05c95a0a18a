#include "engine/biozero/calibrated/zero_posterior.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace maskclass::calibrated {
namespace {

/// Above it the Poisson distribution is replaced by the two points of its Gauss rule.
constexpr double kLargeMean = 40;
constexpr double kTiny = 1e-300;
constexpr double kLargestLogOdds = 700;

/// sum over t > 0 of P(t | lambda) times x and x^2.
struct PoissonMean {
  double x = 0;
  double square = 0;
  void add(double probability, double value) {
    x += probability * value;
    square += probability * value * value;
  }
};

PoissonMean poisson_mean(double lambda, const LogCounts& log_counts) {
  PoissonMean mean;
  if (lambda > kLargeMean) {
    // Roots of the Charlier polynomial t^2 - (2 lambda + 1) t + lambda^2: the rule has the first
    // three moments, and errs by about lambda^-2 of the spread of x.
    const double root = std::sqrt(lambda + 0.25);
    const double upper = lambda + 0.5 + root;
    const double lower = lambda + 0.5 - root;
    const double share = (lambda - lower) / (upper - lower);
    mean.add(share, log_counts.of(upper));
    mean.add(1 - share, log_counts.of(lower));
    return mean;
  }
  double probability = std::exp(-lambda);
  const double negligible = 1e-10 * std::min(1.0, lambda);
  for (int t = 1; t < LogCounts::kCounts && (t <= lambda || probability > negligible); ++t) {
    probability *= lambda / t;
    mean.add(probability, log_counts.of_count(t));
  }
  return mean;
}

}  // namespace

LogCounts::LogCounts(double log_library) : scale_(std::exp(-log_library)) {
  for (int t = 0; t < kCounts; ++t) table_[t] = of(t);
}

double LogCounts::of(double t) const {
  return std::log1p(t * scale_) * std::numbers::log2e;
}

ZeroPosterior zero_posterior(const GammaDistribution& gamma, const LogisticDropout& dropout,
                             const LogCounts& log_counts, Detail detail) {
  ZeroPosterior result;
  const double log_none = log_zero_probability(gamma);
  const GammaRule rule(gamma, dropout.present ? dropout.slope : 0.0);
  double dropped = 0;  // P(t > 0, c = 0)
  double count = 0;
  double expression = 0;  // E[log2(1 + lambda / l); c = 0]
  double expression_square = 0;
  double replicate = 0;
  PoissonMean mean;
  double kept = 0;  // P(c > 0)
  double kept_x = 0;
  for (const GammaNode& node : rule.nodes()) {
    const double delta =
        dropout.present ? 1 / (1 + std::exp(dropout.slope * node.log_lambda - dropout.level)) : 0.0;
    const double some = -std::expm1(-node.lambda);
    const double weight = node.weight * delta;
    dropped += weight * some;
    count += weight * node.lambda;
    if (detail == Detail::without_values) continue;
    const PoissonMean of_node = poisson_mean(node.lambda, log_counts);
    kept += node.weight * (1 - delta) * some;
    kept_x += node.weight * (1 - delta) * of_node.x;
    const double of_zero = node.weight * (1 - some) + weight * some;
    const double x = log_counts.of(node.lambda);
    expression += of_zero * x;
    expression_square += of_zero * x * x;
    replicate += of_zero * of_node.x;
    mean.x += weight * of_node.x;
    mean.square += weight * of_node.square;
  }
  const double none = std::exp(log_none);
  const double evidence = std::max(kTiny, none + dropped);
  result.log_evidence = std::log(evidence);
  result.expression = expression / evidence;
  result.expression_square = expression_square / evidence;
  result.replicate = replicate / evidence;
  if (kept > 0) result.kept_mean = kept_x / kept;
  if (!(dropped > 0)) return result;
  result.zero_probability = none / evidence;
  result.dropped_mean = mean.x / dropped;
  result.dropped_square = mean.square / dropped;
  result.dropped_count = count / dropped;
  return result;
}

double replicate_of_count(double count, const GammaDistribution& gamma,
                          const LogisticDropout& dropout, const LogCounts& log_counts) {
  // lambda given an undropped count is Gamma(shape + count, rate 1 + shape / mean).
  const double shape = gamma.shape + count;
  const double log_rate = std::log1p(gamma.shape * std::exp(-gamma.log_mean));
  const GammaRule rule({std::log(shape) - log_rate, shape}, dropout.present ? dropout.slope : 0.0);
  double kept = 0;
  double sum = 0;
  for (const GammaNode& node : rule.nodes()) {
    const double drop =
        dropout.present ? 1 / (1 + std::exp(dropout.slope * node.log_lambda - dropout.level)) : 0.0;
    kept += node.weight * (1 - drop);
    sum += node.weight * (1 - drop) * poisson_mean(node.lambda, log_counts).x;
  }
  // Where nothing could have been kept, what was seen stands for itself.
  return kept > 0 ? sum / kept : log_counts.of(count);
}

ZeroTable::ZeroTable(const Model& model, const Clusters& clusters,
                     std::span<const double> log_library, const Options& options)
    : n_genes_(model.n_genes) {
  const std::int64_t n_clusters = model.n_clusters();
  std::vector<double> low(n_clusters, 0.0);
  std::vector<double> high(n_clusters, 0.0);
  std::vector<bool> seen(n_clusters, false);
  for (std::size_t cell = 0; cell < log_library.size(); ++cell) {
    const std::int32_t cluster = clusters.of_cell[cell];
    const double value = log_library[cell];
    low[cluster] = seen[cluster] ? std::min(low[cluster], value) : value;
    high[cluster] = seen[cluster] ? std::max(high[cluster], value) : value;
    seen[cluster] = true;
  }
  nodes_.resize(n_clusters);
  for (std::int64_t cluster = 0; cluster < n_clusters; ++cluster) {
    // A little wider than the data, so that nodes stay apart where all cells are alike.
    const double half = (high[cluster] - low[cluster]) / 2 + 1e-3 + options.margin;
    for (int k = 0; k < kNodes; ++k) {
      nodes_[cluster][k] = (high[cluster] + low[cluster]) / 2 +
                           half * std::cos(std::numbers::pi * (k + 0.5) / kNodes);
    }
  }
  std::vector<LogCounts> log_counts;
  for (const NodeWeights& nodes : nodes_) {
    for (const double node : nodes) log_counts.emplace_back(node);
  }
  entries_.resize(n_clusters * n_genes_);
#pragma omp parallel for num_threads(options.n_threads) schedule(dynamic, 16)
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    const auto cluster = static_cast<std::int64_t>(at) / n_genes_;
    const auto gene = static_cast<std::int64_t>(at) % n_genes_;
    Entry& entry = entries_[at];
    for (int k = 0; k < kNodes; ++k) {
      const double log_l = nodes_[cluster][k];
      const GammaDistribution gamma = model.distribution(cluster, gene, log_l);
      const ZeroPosterior posterior =
          zero_posterior(gamma, model.dropout_at(cluster, gamma), log_counts[cluster * kNodes + k],
                         options.detail);
      const double p = posterior.zero_probability;
      entry.log_odds[k] =
          std::clamp(std::log(std::max(p, kTiny)) - std::log(std::max(1 - p, kTiny)),
                     -kLargestLogOdds, kLargestLogOdds);
      entry.log_evidence[k] = posterior.log_evidence;
      entry.dropped_mean[k] = posterior.dropped_mean;
      entry.dropped_square[k] = posterior.dropped_square;
      entry.log_dropped_count[k] = std::log(std::max(posterior.dropped_count, kTiny));
      entry.expression[k] = posterior.expression;
      entry.expression_square[k] = posterior.expression_square;
      entry.replicate[k] = posterior.replicate;
      entry.kept_mean[k] = posterior.kept_mean;
    }
  }
}

ZeroTable::NodeWeights ZeroTable::weights(std::int64_t cluster, double log_library) const {
  // The barycentric formula at Chebyshev nodes of the first kind.
  NodeWeights result{};
  double sum = 0;
  for (int k = 0; k < kNodes; ++k) {
    const double distance = log_library - nodes_[cluster][k];
    if (distance == 0) {
      result.fill(0);
      result[k] = 1;
      return result;
    }
    const double sign = k % 2 == 0 ? 1 : -1;
    result[k] = sign * std::sin(std::numbers::pi * (k + 0.5) / kNodes) / distance;
    sum += result[k];
  }
  for (double& weight : result) weight /= sum;
  return result;
}

namespace {

double interpolated(const ZeroTable::NodeWeights& values, const ZeroTable::NodeWeights& weights) {
  double sum = 0;
  for (int k = 0; k < ZeroTable::kNodes; ++k) sum += weights[k] * values[k];
  return sum;
}

}  // namespace

ZeroPosterior ZeroTable::without_values(std::int64_t cluster, std::int64_t gene,
                                        const NodeWeights& weights) const {
  const Entry& entry = entries_[cluster * n_genes_ + gene];
  ZeroPosterior result;
  result.zero_probability = 1 / (1 + std::exp(-interpolated(entry.log_odds, weights)));
  result.log_evidence = std::min(0.0, interpolated(entry.log_evidence, weights));
  result.dropped_count = std::exp(interpolated(entry.log_dropped_count, weights));
  return result;
}

ZeroPosterior ZeroTable::at(std::int64_t cluster, std::int64_t gene,
                            const NodeWeights& weights) const {
  const Entry& entry = entries_[cluster * n_genes_ + gene];
  ZeroPosterior result = without_values(cluster, gene, weights);
  result.dropped_mean = std::max(0.0, interpolated(entry.dropped_mean, weights));
  result.dropped_square = interpolated(entry.dropped_square, weights);
  result.expression = std::max(0.0, interpolated(entry.expression, weights));
  result.expression_square = interpolated(entry.expression_square, weights);
  result.replicate = std::max(0.0, interpolated(entry.replicate, weights));
  result.kept_mean = std::max(0.0, interpolated(entry.kept_mean, weights));
  return result;
}

}  // namespace maskclass::calibrated
