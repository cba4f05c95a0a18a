#include "engine/biozero/calibrated/zero_distribution.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/math.h"

namespace maskclass::calibrated {
namespace {

const std::array<double, kQuantileLevels>& levels() {
  static const std::array<double, kQuantileLevels> kLevels = [] {
    std::array<double, kQuantileLevels> result{};
    for (int k = 1; k + 1 < kQuantileLevels; ++k) {
      result[k] = 1 / (1 + std::exp(6 - 12.0 * (k - 1) / (kQuantileLevels - 3)));
    }
    result.back() = 1;
    return result;
  }();
  return kLevels;
}

/// Masses of the ranges between ascending edges.
struct Histogram {
  std::vector<double> edges;   // one more than masses
  std::vector<double> masses;  // of any sum above 0
};

CountQuantiles quantiles_of(const Histogram& histogram) {
  double total = 0;
  for (const double mass : histogram.masses) total += mass;
  CountQuantiles result;
  std::size_t bin = 0;
  double below = 0;
  for (int k = 0; k < kQuantileLevels; ++k) {
    const double wanted = levels()[k] * total;
    while (bin + 1 < histogram.masses.size() && below + histogram.masses[bin] < wanted) {
      below += histogram.masses[bin++];
    }
    const double mass = histogram.masses[bin];
    const double share = mass > 0 ? std::clamp((wanted - below) / mass, 0.0, 1.0) : 0.0;
    const double edge = histogram.edges[bin];
    result[k] = static_cast<float>(std::log(edge + share * (histogram.edges[bin + 1] - edge)));
  }
  return result;
}

/// P(t) E[delta(lambda) | t] up to a factor, for any real t >= 0. ln lambda given t is about normal
/// for this mean of a smooth function: Gauss and Hermite's rule of five nodes.
class DroppedWeight {
 public:
  DroppedWeight(const GammaDistribution& gamma, const LogisticDropout& dropout)
      : shape_(gamma.shape), dropout_(dropout) {
    const double mean = std::exp(gamma.log_mean);
    log_rate_ = std::log1p(shape_ / mean);
    log_share_ = gamma.log_mean - std::log(shape_ + mean);
    // ln P at about the largest, so that nothing under- or overflows.
    log_scale_ = log_probability(std::max(1.0, std::floor(mean)));
  }

  double operator()(double t) const {
    double dropped = 0;
    for (const HermiteNode& node :
         normal_nodes(digamma(shape_ + t) - log_rate_, trigamma(shape_ + t))) {
      dropped += node.weight * delta(node.x);
    }
    return dropped * std::exp(log_probability(t) - log_scale_);
  }

 private:
  double delta(double log_lambda) const {
    return 1 / (1 + std::exp(dropout_.slope * log_lambda - dropout_.level));
  }
  /// Of the negative binomial, up to a constant.
  double log_probability(double t) const {
    return log_gamma(t + shape_) - log_gamma(t + 1) + t * log_share_;
  }

  double shape_;
  LogisticDropout dropout_;
  double log_rate_ = 0;   // lambda given t ~ Gamma(shape + t, rate 1 + shape / mean)
  double log_share_ = 0;  // ln(mean / (shape + mean))
  double log_scale_ = 0;
};

/// Edges t + 1/2 from `low` to `high`, at least one apart, else as a geometric series of about
/// kSteps.
std::vector<double> count_edges(double low, double high) {
  constexpr double kSteps = 64;
  std::vector<double> edges = {std::max(1.0, std::floor(low)) - 0.5};
  const double last = std::max(edges[0] + 1, std::ceil(high) + 0.5);
  const double growth = std::exp(std::log(last / edges[0]) / kSteps) - 1;
  while (edges.back() < last) {
    edges.push_back(edges.back() + std::max(1.0, std::round(edges.back() * growth)));
  }
  return edges;
}

}  // namespace

CountQuantiles dropped_count_quantiles(const GammaDistribution& gamma,
                                       const LogisticDropout& dropout) {
  const GammaRule rule(gamma, dropout.slope);
  const double lowest = rule.nodes().front().lambda;
  const double highest = rule.nodes().back().lambda;
  Histogram histogram;
  histogram.edges = count_edges(lowest - 6 * std::sqrt(lowest), highest + 6 * std::sqrt(highest));
  const DroppedWeight weight(gamma, dropout);
  for (std::size_t bin = 0; bin + 1 < histogram.edges.size(); ++bin) {
    const double middle = (histogram.edges[bin] + histogram.edges[bin + 1]) / 2;
    const double width = histogram.edges[bin + 1] - histogram.edges[bin];
    // Gauss and Legendre's two nodes take the place of a sum over the counts.
    const double offset = width / 2 / std::numbers::sqrt3;
    histogram.masses.push_back(width > 1
                                   ? width / 2 * (weight(middle - offset) + weight(middle + offset))
                                   : weight(middle));
  }
  return quantiles_of(histogram);
}

CountQuantiles expression_quantiles(const GammaDistribution& gamma) {
  constexpr int kSteps = 128;
  const double shape = gamma.shape;
  const double log_mean = gamma.log_mean - std::log1p(std::exp(gamma.log_mean) / shape);
  const GammaRule rule({log_mean, shape}, 0);
  const double low = rule.nodes().front().log_lambda;
  const double step = (rule.nodes().back().log_lambda - low) / kSteps;
  const double log_rate = std::log(shape) - log_mean;
  const auto log_density = [&](double log_lambda) {  // of ln lambda
    return shape * (log_lambda + log_rate) - std::exp(log_lambda + log_rate) - log_gamma(shape);
  };
  Histogram histogram;
  // All below counts as the lowest: e^-17 of the mean at most, or of one count.
  histogram.edges = {std::exp(low - step)};
  histogram.masses = {std::exp(log_density(low)) / shape};
  for (int k = 0; k < kSteps; ++k) {
    histogram.edges.push_back(std::exp(low + step * k));
    histogram.masses.push_back(step * std::exp(log_density(low + step * (k + 0.5))));
  }
  histogram.edges.push_back(std::exp(low + step * kSteps));
  return quantiles_of(histogram);
}

double ZeroDistribution::cdf(double value) const {
  if (value < 0) return 0;
  const double count = (std::exp2(value) - 1) * std::exp(log_library);
  if (count <= 0) return atom;
  const auto wanted = static_cast<float>(std::log(count));
  const auto above = std::upper_bound(log_count.begin(), log_count.end(), wanted);
  if (above == log_count.begin()) return atom;
  if (above == log_count.end()) return 1;
  const auto k = above - log_count.begin();
  // Counts are spread evenly, so the share is that of the counts, not of their logarithms.
  const double low = std::exp(log_count[k - 1]);
  const double share = (count - low) / (std::exp(log_count[k]) - low);
  const double level = levels()[k - 1] + share * (levels()[k] - levels()[k - 1]);
  return atom + (1 - atom) * level;
}

double ZeroDistribution::quantile(double level) const {
  if (level <= atom) return 0;
  const double wanted = (level - atom) / (1 - atom);
  const auto above = std::upper_bound(levels().begin(), levels().end() - 1, wanted);
  const auto k = above - levels().begin();
  const double share = (wanted - levels()[k - 1]) / (levels()[k] - levels()[k - 1]);
  const double low = std::exp(log_count[k - 1]);
  const double count = low + share * (std::exp(log_count[k]) - low);
  return std::log1p(count * std::exp(-log_library)) * std::numbers::log2e;
}

double mixture_quantile(const std::vector<const ZeroDistribution*>& members, double level) {
  double low = members[0]->quantile(level);
  double high = low;
  for (const ZeroDistribution* member : members) {
    const double value = member->quantile(level);
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const auto reached = [&](double value) {
    double sum = 0;
    for (const ZeroDistribution* member : members) sum += member->cdf(value);
    return sum >= level * static_cast<double>(members.size());
  };
  if (reached(low)) return low;
  while (high - low > 1e-4) {
    const double middle = (low + high) / 2;
    (reached(middle) ? high : low) = middle;
  }
  return high;
}

QuantileTable::QuantileTable(const Model& model, const ZeroTable& table, bool zero_inflated,
                             int n_threads)
    : n_genes_(model.n_genes) {
  for (std::int64_t cluster = 0; cluster < model.n_clusters(); ++cluster) {
    nodes_.push_back(table.nodes(cluster));
  }
  entries_.resize(model.n_clusters() * n_genes_);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 16)
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    const auto cluster = static_cast<std::int64_t>(at) / n_genes_;
    for (int k = 0; k < ZeroTable::kNodes; ++k) {
      const GammaDistribution gamma =
          model.distribution(cluster, static_cast<std::int64_t>(at) % n_genes_, nodes_[cluster][k]);
      entries_[at][k] = zero_inflated
                            ? dropped_count_quantiles(gamma, model.dropout_at(cluster, gamma))
                            : expression_quantiles(gamma);
    }
  }
}

CountQuantiles QuantileTable::at(std::int64_t cluster, std::int64_t gene,
                                 double log_library) const {
  const ZeroTable::NodeWeights& nodes = nodes_[cluster];
  int k = 1;
  while (k + 1 < ZeroTable::kNodes && nodes[k] > log_library) ++k;
  const double share =
      std::clamp((nodes[k - 1] - log_library) / (nodes[k - 1] - nodes[k]), 0.0, 1.0);
  const auto& entry = entries_[cluster * n_genes_ + gene];
  CountQuantiles result;
  for (int level = 0; level < kQuantileLevels; ++level) {
    result[level] =
        entry[k - 1][level] + static_cast<float>(share) * (entry[k][level] - entry[k - 1][level]);
  }
  return result;
}

}  // namespace maskclass::calibrated
