#include "engine/simulate/zero_posterior.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/math.h"
#include "engine/simulate/distributions.h"

namespace maskclass::simulate {
namespace {

/// Integrands are left out where they have fallen by e^-38 (3e-17) from their peak.
constexpr double kNegligible = 38;
/// ln of the smallest m that is looked at, whatever the shape.
constexpr double kLowestLogarithm = -690;
/// Above it the Poisson distribution is replaced by two points.
constexpr double kLargeMean = 1000;

/// One node of the quadrature: m, and the probability that it stands for.
struct Node {
  double m = 0;
  double weight = 0;
};

struct Quadrature {
  std::vector<Node> nodes;
  double below = 0;  ///< what the nodes further down would stand for
};

/// Nodes y_k = ln mean + k h in y = ln m. The density of y is proportional to exp(a y - e^y / s):
/// in the strip |Im y| < pi/2 it is analytic and integrable, so that the error falls as
/// exp(-pi^2 / h), and for large a it is a normal curve of deviation 1/sqrt(a). The dropout curve
/// has poles at Im y = pi / |shape|.
double step_of(const GammaParameters& gamma, const DropoutCurve& dropout) {
  double step = std::min(0.3, 0.7 / std::sqrt(gamma.shape));
  if (dropout.present) step = std::min(step, 0.6 / std::max(1e-9, std::abs(dropout.shape)));
  return step;
}

/// All integrands vanish at m = 0 at least as fast as m (what is left is added in closed form), so
/// the lower tail of a small shape need not be followed further than that, or than ln m = `lowest`.
/// `tilt` = ln(1 + r): integrands with a factor e^(-r m / scale) are to be followed to where they
/// are negligible beside their own peak, which lies lower by `tilt`.
Quadrature quadrature(const GammaParameters& gamma, const DropoutCurve& dropout,
                      double lowest = std::numeric_limits<double>::infinity(), double tilt = 0) {
  const double a = gamma.shape;
  const double h = step_of(gamma, dropout);
  const double log_scale = std::log(gamma.scale);
  const double log_mean = std::log(a) + log_scale;
  const double log_normaliser = std::log(h) - log_gamma(a);
  std::vector<Node> nodes;
  const auto add = [&](double y) {
    const double m = std::exp(y);
    nodes.push_back({m, std::exp(a * (y - log_scale) - m / gamma.scale + log_normaliser)});
  };
  // With d = y - ln mean, the density has fallen by a (e^d - 1 - d) from its peak.
  const auto fallen = [a](double d) { return a * (std::expm1(d) - d); };
  for (double k = 0; fallen(k * h) - k * h < kNegligible; ++k) add(log_mean + k * h);
  const auto is_negligible = [&](double d) {
    if (d >= 0) return false;
    return fallen(d) > 2 * kNegligible || (fallen(d) - d > kNegligible && log_mean + d < lowest);
  };
  for (double k = -1; log_mean + k * h > kLowestLogarithm; --k) {
    if (is_negligible(k * h) && is_negligible(k * h + tilt)) break;
    add(log_mean + k * h);
  }
  // Down there the density of y is e^(a y), so that the nodes left out are a geometric series.
  const double below = nodes.back().weight / std::expm1(a * h);
  return {std::move(nodes), below};
}

void add_to(std::vector<double>& probabilities, std::size_t t, double probability) {
  if (t >= probabilities.size()) probabilities.resize(t + 1, 0.0);
  probabilities[t] += probability;
}

/// The two points of Gauss's rule for the Poisson distribution (roots of the Charlier polynomial
/// t^2 - (2 m + 1) t + m^2), which has its first three moments. For log2(1 + t scale) it errs by
/// about m^-2.
void add_two_points(std::vector<JointProbabilities::Point>& points, double m, double weight) {
  const double root = std::sqrt(m + 0.25);
  const double upper = m + 0.5 + root;
  const double lower = m + 0.5 - root;
  const double share = (m - lower) / (upper - lower);
  points.push_back({upper, weight * share});
  points.push_back({lower, weight * (1 - share)});
}

/// Adds weight * P(t | m) for t >= 1.
void add_poisson(JointProbabilities& joint, double m, double weight) {
  if (!(m > 0) || !(weight > 0)) return;
  if (m > kLargeMean) return add_two_points(joint.large, m, weight);
  double t = std::max(1.0, std::floor(m - 9 * std::sqrt(m) - 5));
  double probability = poisson_probability(m, t);
  const double negligible = 1e-17 * m / (1 + m);
  while (t < m || probability > negligible) {
    add_to(joint.small, static_cast<std::size_t>(t), weight * probability);
    t += 1;
    probability *= m / t;
  }
}

/// P(t = 0) = E[e^-m] = (1 + scale)^-shape.
double zero_probability(const GammaParameters& gamma) {
  return gamma.shape > 0 ? std::exp(-gamma.shape * std::log1p(gamma.scale)) : 1;
}

/// t* is the count before dropout: P(t, c = 0) = E[drop(m) P(t | m)] for t > 0.
JointProbabilities joint_of_same(const GeneInCell& gene) {
  JointProbabilities joint{{zero_probability(gene.observed)}, {}};
  if (!(gene.observed.shape > 0) || !gene.dropout.present) return joint;
  const Quadrature rule = quadrature(gene.observed, gene.dropout);
  for (const Node& node : rule.nodes) {
    add_poisson(joint, node.m, node.weight * gene.dropout.probability(node.m));
  }
  return joint;
}

JointProbabilities prior_of_truth(const GeneInCell& gene) {
  JointProbabilities joint{{zero_probability(gene.truth)}, {}};
  if (!(gene.truth.shape > 0)) return joint;
  const Quadrature rule = quadrature(gene.truth, {});
  for (const Node& node : rule.nodes) add_poisson(joint, node.m, node.weight);
  return joint;
}

/// The expression that the same uniform number gives in another distribution.
double transported(const GammaParameters& from, const GammaParameters& to, double m) {
  if (!(to.shape > 0)) return 0;
  if (from.shape == to.shape && from.scale == to.scale) return m;
  constexpr double kSmallest = 1e-300;  // beyond it neither end matters
  Tails tails = gamma_tails(from.shape, m / from.scale);
  tails.lower = std::max(tails.lower, kSmallest);
  tails.upper = std::max(tails.upper, kSmallest);
  return to.scale * gamma_quantile(to.shape, tails);
}

/// P(t* = t and v <= bound) for the uniform v of a Poisson count with mean m, t >= 1: the part of
/// the interval (F(t-1), F(t)] below the bound.
void add_truncated_poisson(JointProbabilities& joint, double m, double bound, double weight) {
  double probability = std::exp(-m);
  double distribution = probability;
  if (!(weight > 0)) return;
  for (double t = 1; distribution < bound; ++t) {
    probability *= m / t;
    const double next = distribution + probability;
    if (next == distribution && t > m) break;
    add_to(joint.small, static_cast<std::size_t>(t),
           weight * (std::min(next, bound) - distribution));
    distribution = next;
  }
}

/// The same uniforms (u, v) give m and t in one distribution, m* and t* in the other. Given u, c =
/// 0 where the count is dropped (probability drop(m), apart from v) or where t = 0, v <= e^-m.
JointProbabilities joint_of_coupled(const GeneInCell& gene) {
  if (!(gene.observed.shape > 0)) return prior_of_truth(gene);
  // Far down, m* goes as m^(a/a*): follow m to where m* is negligible too.
  double lowest = 0;
  if (gene.truth.shape > 0) {
    lowest = -kNegligible * std::max(1.0, gene.truth.shape / gene.observed.shape);
  }
  const double tilt = std::log1p(std::max(gene.observed.scale, gene.truth.scale));
  const Quadrature rule = quadrature(gene.observed, gene.dropout, lowest, tilt);
  JointProbabilities joint{{rule.below}, {}};  // m too small to give a count
  for (const Node& node : rule.nodes) {
    const double m_truth = transported(gene.observed, gene.truth, node.m);
    const double drop = gene.dropout.probability(node.m);
    const double no_count = std::exp(-node.m);
    joint.small[0] += node.weight * (drop * std::exp(-m_truth) +
                                     (1 - drop) * std::min(no_count, std::exp(-m_truth)));
    add_poisson(joint, m_truth, node.weight * drop);
    if (m_truth > node.m) {
      add_truncated_poisson(joint, m_truth, no_count, node.weight * (1 - drop));
    }
  }
  return joint;
}

}  // namespace

JointProbabilities joint_with_zero_count(const GeneInCell& gene, TruthCoupling coupling) {
  switch (coupling) {
    case TruthCoupling::same:
      return joint_of_same(gene);
    case TruthCoupling::coupled:
      return joint_of_coupled(gene);
    case TruthCoupling::independent:
      return prior_of_truth(gene);
  }
  return {};
}

PosteriorMoments posterior_moments(const JointProbabilities& joint, double scale) {
  double total = joint.zero();
  double first = 0;
  double second = 0;
  joint.for_each_positive([&](double t, double probability) {
    const double x = std::log2(1 + t * scale);
    total += probability;
    first += probability * x;
    second += probability * x * x;
  });
  if (!(total > 0)) return {};
  const double mean = first / total;
  return {mean, std::max(0.0, second / total - mean * mean), joint.zero() / total};
}

}  // namespace maskclass::simulate
