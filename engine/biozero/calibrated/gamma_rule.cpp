#include "engine/biozero/calibrated/gamma_rule.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>

#include "engine/math.h"

namespace maskclass::calibrated {
namespace {

/// Integrands are left out where they have fallen by e^-17 (4e-8) from their peak.
constexpr double kNegligible = 17;

// With d = ln(lambda / mean), the density of d has fallen by shape (e^d - 1 - d) from its peak. The
// ends below are simple upper bounds of where a fall is reached, at most some per cent too far out.

/// The d > 0 beyond which lambda^2 times the density is negligible.
double upper_end(double shape) {
  double d = 0;
  for (int step = 0; step < 3; ++step) {
    const double fall = (kNegligible + 2 * d) / shape;
    const double root = std::sqrt(2 * fall);  // e^d - 1 - d > d^2 / 2
    d = std::min(root, std::log1p(fall + root));
  }
  return d;
}

/// The d < 0 below which min(1, lambda) times the density is negligible.
double lower_end(double shape, double log_mean) {
  const double fall = kNegligible / shape;
  const double by_density = fall < 1 ? std::sqrt(2 * fall) + 0.45 * fall : 1 + fall;
  // Below lambda = 1, and below the mean, lambda itself falls as e^d.
  const double by_lambda = (kNegligible + shape + std::max(0.0, log_mean)) / (1 + shape);
  return by_density > std::max(0.0, log_mean)
             ? -std::min(by_density, std::max(by_lambda, std::max(0.0, log_mean)))
             : -by_density;
}

}  // namespace

GammaRule::GammaRule(const GammaDistribution& gamma, double slope) {
  const double shape = gamma.shape;
  const double low = lower_end(shape, gamma.log_mean);
  const double high = upper_end(shape);
  double step = std::min({0.48, 0.95 / std::sqrt(shape + 2), 1.2 / std::max(slope, 1e-9)});
  step = std::max(step, (high - low) / (kMostNodes - 1));
  size_ = std::min(kMostNodes, static_cast<std::size_t>((high - low) / step) + 1);

  step_ = step;

  // Weight: step * density of d, shape^shape / Gamma(shape) exp(shape (d - e^d)).
  const double log_shape = std::log(shape);
  const double constant = step * std::exp(shape * (log_shape - 1) - log_gamma(shape));
  const double score_constant = log_shape - digamma(shape);
  const double mean = std::exp(gamma.log_mean);
  const double growth = std::exp(step);
  double relative = std::exp(low);  // lambda / mean
  for (std::size_t k = 0; k < size_; ++k) {
    const double d = low + step * static_cast<double>(k);
    const double above = relative - 1 - d;
    GammaNode& node = nodes_[k];
    node.log_lambda = gamma.log_mean + d;
    node.lambda = mean * relative;
    node.weight = constant * std::exp(-shape * above);
    node.shape_score = shape * (score_constant - above);
    relative *= growth;
  }
}

double log_zero_probability(const GammaDistribution& gamma) {
  return -gamma.shape * std::log1p(std::exp(gamma.log_mean) / gamma.shape);
}

double digamma(double x) {
  double below = 0;
  while (x < 10) {
    below -= 1 / x;
    x += 1;
  }
  const double y = 1 / (x * x);
  // The asymptotic series (NIST DLMF 5.11.2).
  return below + std::log(x) - 0.5 / x -
         y * (1.0 / 12 -
              y * (1.0 / 120 -
                   y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * 691.0 / 32760)))));
}

double trigamma(double x) {
  double below = 0;
  while (x < 8) {
    below += 1 / (x * x);
    x += 1;
  }
  const double y = 1 / (x * x);
  // The asymptotic series (NIST DLMF 5.15.8).
  return below + 1 / x + y / 2 + y / x * (1.0 / 6 - y * (1.0 / 30 - y / 42));
}

std::array<HermiteNode, 5> normal_nodes(double mean, double variance) {
  constexpr double kInner = 1.3556261799742659;
  constexpr double kOuter = 2.8569700138728056;
  const double deviation = std::sqrt(variance);
  return {{{mean, 8.0 / 15},
           {mean - kInner * deviation, 0.2220759220056126},
           {mean + kInner * deviation, 0.2220759220056126},
           {mean - kOuter * deviation, 0.0112574113277207},
           {mean + kOuter * deviation, 0.0112574113277207}}};
}

}  // namespace maskclass::calibrated
