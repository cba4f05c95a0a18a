#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace maskclass::calibrated {

/// lambda ~ Gamma(mean, shape): the expression of a gene in a cell, as counts expected there.
struct GammaDistribution {
  double log_mean = 0;
  double shape = 1;  ///< 1 / dispersion
};

/// A node of the integral over ln lambda.
struct GammaNode {
  double log_lambda = 0;
  double lambda = 0;
  double weight = 0;
  double shape_score = 0;  ///< d ln(density) / d ln(shape) at fixed lambda / mean.
};

/// The trapezoidal rule in y = ln lambda. For lambda^k its error is exactly
/// 2 |Gamma(shape + k + 2 pi i / step)| / Gamma(shape + k), about 1e-6 for k up to 1 and 1e-5 for
/// k = 2 at the step taken; that of a logistic curve of slope b falls as exp(-2 pi^2 / (b step)).
/// Nodes stop where an integrand that grows no faster than lambda^2 and vanishes as min(1, lambda)
/// has fallen to 4e-8 of its peak: E[e^-lambda] is not for it, and has a closed form.
class GammaRule {
 public:
  /// `slope` >= 0 is that of the steepest logistic curve in the integrand.
  GammaRule(const GammaDistribution& gamma, double slope);

  std::span<const GammaNode> nodes() const { return {nodes_.data(), size_}; }
  /// Of ln lambda, from one node to the next.
  double step() const { return step_; }

 private:
  /// Enough for every shape and slope at the step asked for, but for combinations of a shape far
  /// below 0.01 with a slope far above 5, which get a longer step.
  static constexpr std::size_t kMostNodes = 160;
  std::array<GammaNode, kMostNodes> nodes_;
  std::size_t size_ = 0;
  double step_ = 0;
};

/// ln E[e^-lambda] = -shape ln(1 + mean / shape): the probability that no molecule is there.
double log_zero_probability(const GammaDistribution& gamma);

/// The derivative of lgamma at x > 0.
double digamma(double x);

/// The second derivative of lgamma at x > 0.
double trigamma(double x);

/// Gauss and Hermite's rule of five nodes for a normal distribution: weights sum to one.
struct HermiteNode {
  double x = 0;
  double weight = 0;
};
std::array<HermiteNode, 5> normal_nodes(double mean, double variance);

}  // namespace maskclass::calibrated
