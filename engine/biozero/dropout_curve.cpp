#include "engine/biozero/dropout_curve.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace maskclass {
namespace {

constexpr int kMostSteps = 100;
constexpr double kSmallestProbability = 1e-300;

/// exp() that neither overflows nor vanishes, so that the product of two is finite and positive.
double bounded_exp(double x) {
  return std::exp(std::clamp(x, -300.0, 300.0));
}

/// Log likelihood a gene, and its derivatives with respect to (level, slope).
struct Likelihood {
  double value = 0;
  Eigen::Vector2d gradient = Eigen::Vector2d::Zero();
  Eigen::Matrix2d hessian = Eigen::Matrix2d::Zero();
  Eigen::Matrix2d fisher = Eigen::Matrix2d::Zero();  ///< Expected minus Hessian.

  Likelihood& operator+=(const Likelihood& other) {
    value += other.value;
    gradient += other.gradient;
    hessian += other.hessian;
    fisher += other.fisher;
    return *this;
  }
};

/// The likelihood of the zero rates. The curve is written around the typical gene,
/// delta = logistic(level - slope (ln mu - centre)): level and slope are then nearly uncorrelated.
class ZeroRateLikelihood {
 public:
  ZeroRateLikelihood(const ZeroRates& genes, const Quadrature& log_library, int n_threads);

  bool is_informative() const { return any_zeros_; }
  /// point = (level, slope).
  Likelihood at(const Eigen::Vector2d& point) const;
  DropoutCurve curve_of(const Eigen::Vector2d& point) const {
    return {point[0] + point[1] * centre_, point[1]};
  }

 private:
  Likelihood of_gene(std::size_t gene, const Eigen::Vector2d& point,
                     std::span<const double> node_factor) const;

  const Quadrature& log_library_;
  int n_threads_;
  double centre_ = 0;
  bool any_zeros_ = false;
  std::vector<double> zero_rate_;         // [genes]
  std::vector<double> log_mean_;          // [genes], around centre_
  std::vector<double> weighted_zero_;     // [genes][nodes]: weight * f(0)
  std::vector<double> weighted_nonzero_;  // [genes][nodes]: weight * (1 - f(0))
};

ZeroRateLikelihood::ZeroRateLikelihood(const ZeroRates& genes, const Quadrature& log_library,
                                       int n_threads)
    : log_library_(log_library), n_threads_(n_threads) {
  std::vector<double> dispersion;
  for (std::size_t gene = 0; gene < genes.mean.size(); ++gene) {
    if (!(genes.mean[gene] > 0)) continue;
    zero_rate_.push_back(genes.zero_rate[gene]);
    log_mean_.push_back(std::log(genes.mean[gene]));
    dispersion.push_back(genes.dispersion[gene]);
    any_zeros_ = any_zeros_ || genes.zero_rate[gene] > 0;
  }
  const std::size_t n_genes = log_mean_.size();
  const std::size_t n_nodes = log_library.nodes.size();
  weighted_zero_.resize(n_genes * n_nodes);
  weighted_nonzero_.resize(n_genes * n_nodes);
#pragma omp parallel for num_threads(n_threads)
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    for (std::size_t k = 0; k < n_nodes; ++k) {
      const double mu = std::exp(log_mean_[gene] + log_library.nodes[k]);
      const double log_zero = -std::log1p(dispersion[gene] * mu) / dispersion[gene];
      weighted_zero_[gene * n_nodes + k] = log_library.weights[k] * std::exp(log_zero);
      weighted_nonzero_[gene * n_nodes + k] = -log_library.weights[k] * std::expm1(log_zero);
    }
  }
  for (const double x : log_mean_) centre_ += x / static_cast<double>(n_genes);
  for (double& x : log_mean_) x -= centre_;
}

Likelihood ZeroRateLikelihood::of_gene(std::size_t gene, const Eigen::Vector2d& point,
                                       std::span<const double> node_factor) const {
  const std::size_t n_nodes = node_factor.size();
  const double* zero = &weighted_zero_[gene * n_nodes];
  const double* nonzero = &weighted_nonzero_[gene * n_nodes];
  const double gene_factor = bounded_exp(point[1] * log_mean_[gene] - point[0]);
  double p_zero = 0;     // P
  double p_nonzero = 0;  // 1 - P, summed on its own: no cancellation
  Eigen::Vector2d dp = Eigen::Vector2d::Zero();
  Eigen::Matrix2d d2p = Eigen::Matrix2d::Zero();
  for (std::size_t k = 0; k < n_nodes; ++k) {
    const double odds_of_keeping = gene_factor * node_factor[k];
    const double dropped = 1 / (1 + odds_of_keeping);
    const double kept = odds_of_keeping * dropped;
    const double x = log_mean_[gene] + log_library_.nodes[k];
    const double first = nonzero[k] * dropped * kept;
    const double second = first * (kept - dropped);
    p_zero += zero[k] + nonzero[k] * dropped;
    p_nonzero += nonzero[k] * kept;
    dp[0] += first;
    dp[1] -= first * x;
    d2p(0, 0) += second;
    d2p(0, 1) -= second * x;
    d2p(1, 1) += second * x * x;
  }
  d2p(1, 0) = d2p(0, 1);
  p_zero = std::max(p_zero, kSmallestProbability);
  p_nonzero = std::max(p_nonzero, kSmallestProbability);

  // Divided by the probabilities before anything is squared: the quotients are bounded.
  const double rate = zero_rate_[gene];
  const Eigen::Vector2d by_zero = dp / p_zero;
  const Eigen::Vector2d by_nonzero = dp / p_nonzero;
  Likelihood result;
  result.value = rate * std::log(p_zero) + (1 - rate) * std::log(p_nonzero);
  result.gradient = rate * by_zero - (1 - rate) * by_nonzero;
  result.hessian = rate * (d2p / p_zero - by_zero * by_zero.transpose()) -
                   (1 - rate) * (d2p / p_nonzero + by_nonzero * by_nonzero.transpose());
  result.fisher = by_zero * by_nonzero.transpose();
  return result;
}

Likelihood ZeroRateLikelihood::at(const Eigen::Vector2d& point) const {
  constexpr std::size_t kGenesPerBlock = 64;        // fixed: the sum does not depend on the threads
  constexpr std::size_t kGenesWorthThreads = 4096;  // fewer take less time than waking threads
  std::vector<double> node_factor;
  for (const double node : log_library_.nodes) {
    node_factor.push_back(bounded_exp(point[1] * node));
  }
  const std::size_t n_genes = log_mean_.size();
  std::vector<Likelihood> partial((n_genes + kGenesPerBlock - 1) / kGenesPerBlock);
#pragma omp parallel for num_threads(n_threads_) if (n_genes >= kGenesWorthThreads)
  for (std::size_t block = 0; block < partial.size(); ++block) {
    const std::size_t end = std::min(n_genes, (block + 1) * kGenesPerBlock);
    for (std::size_t gene = block * kGenesPerBlock; gene < end; ++gene) {
      partial[block] += of_gene(gene, point, node_factor);
    }
  }
  Likelihood total;
  for (const Likelihood& sum : partial) total += sum;
  const double scale = 1 / static_cast<double>(n_genes);
  total.value *= scale;
  total.gradient *= scale;
  total.hessian *= scale;
  total.fisher *= scale;
  return total;
}

const Eigen::Vector2d kLowest(-kLargestLogOdds, 0);
const Eigen::Vector2d kHighest(kLargestLogOdds, kLargestSlope);

Eigen::Vector2d projected(const Eigen::Vector2d& point) {
  return point.cwiseMax(kLowest).cwiseMin(kHighest);
}

/// The gradient without the components that push against a bound.
Eigen::Vector2d free_gradient(const Eigen::Vector2d& point, Eigen::Vector2d gradient) {
  for (int k = 0; k < 2; ++k) {
    const bool held =
        (point[k] <= kLowest[k] && gradient[k] < 0) || (point[k] >= kHighest[k] && gradient[k] > 0);
    if (held) gradient[k] = 0;
  }
  return gradient;
}

/// The uphill step for a gradient in which the held coordinates are 0.
Eigen::Vector2d uphill_step(const Likelihood& likelihood, const Eigen::Vector2d& gradient) {
  constexpr double kLongestStep = 4;
  Eigen::Matrix2d curvature = -likelihood.hessian;
  const bool is_concave =
      curvature(0, 0) > 0 && curvature.determinant() > 1e-12 * curvature(0, 0) * curvature(1, 1);
  if (!is_concave) curvature = likelihood.fisher;
  // One gene, or zero rates that any curve explains: a ridge, on which any point will do.
  curvature.diagonal().array() += 1e-10 * curvature.trace() + 1e-200;
  Eigen::Vector2d step;
  if (gradient[0] == 0) {
    step = Eigen::Vector2d(0, gradient[1] / curvature(1, 1));
  } else if (gradient[1] == 0) {
    step = Eigen::Vector2d(gradient[0] / curvature(0, 0), 0);
  } else {
    step = curvature.ldlt().solve(gradient);
  }
  return step / std::max(1.0, step.norm() / kLongestStep);
}

struct Maximum {
  Eigen::Vector2d point;
  double value;
};

Maximum climb(const ZeroRateLikelihood& likelihood, Eigen::Vector2d point) {
  constexpr double kFlat = 1e-11;  // of the log likelihood a gene
  Likelihood here = likelihood.at(point);
  for (int step_count = 0; step_count < kMostSteps; ++step_count) {
    const Eigen::Vector2d gradient = free_gradient(point, here.gradient);
    if (!(gradient.norm() > kFlat)) break;
    Eigen::Vector2d step = uphill_step(here, gradient);
    bool improved = false;
    for (int halving = 0; halving < 40 && !improved; ++halving, step /= 2) {
      const Eigen::Vector2d candidate = projected(point + step);
      const Likelihood there = likelihood.at(candidate);
      improved = there.value > here.value;
      if (improved) {
        point = candidate;
        here = there;
      }
    }
    if (!improved) break;
  }
  return {point, here.value};
}

}  // namespace

DropoutCurve fit_dropout_curve(const ZeroRates& genes, const Quadrature& log_library,
                               int n_threads) {
  constexpr std::array kLevels = {-6.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0};
  constexpr std::array kSlopes = {0.25, 1.0, 3.0};
  const ZeroRateLikelihood likelihood(genes, log_library, n_threads);
  if (!likelihood.is_informative()) return {-kLargestLogOdds, 0};

  Maximum best{Eigen::Vector2d::Zero(), -INFINITY};
  for (const double slope : kSlopes) {
    Maximum start{Eigen::Vector2d::Zero(), -INFINITY};
    for (const double level : kLevels) {
      const Eigen::Vector2d point(level, slope);
      const double value = likelihood.at(point).value;
      if (value > start.value) start = {point, value};
    }
    const Maximum found = climb(likelihood, start.point);
    if (found.value > best.value) best = found;
  }
  return likelihood.curve_of(best.point);
}

}  // namespace maskclass
