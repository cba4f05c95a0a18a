#include "engine/simulate/zero_posterior.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/simulate/distributions.h"

namespace maskclass::simulate {
namespace {

/// Integrands are left out where they have fallen by e^-38 (3e-17) from their peak.
constexpr double kNegligible = 38;
/// ln of the smallest m that is looked at, whatever the shape.
constexpr double kLowestLogarithm = -690;

double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

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
Quadrature quadrature(const GammaParameters& gamma, const DropoutCurve& dropout,
                      double lowest = std::numeric_limits<double>::infinity()) {
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
  for (double k = -1; log_mean + k * h > kLowestLogarithm; --k) {
    const double gone = fallen(k * h);
    const bool negligible = gone - k * h > kNegligible && log_mean + k * h < lowest;
    if (negligible || gone > 2 * kNegligible) break;
    add(log_mean + k * h);
  }
  // Down there the density of y is e^(a y), so that the nodes left out are a geometric series.
  const double below = nodes.back().weight / std::expm1(a * h);
  return {std::move(nodes), below};
}

void add_to(JointProbabilities& joint, std::size_t t, double probability) {
  if (t >= joint.size()) joint.resize(t + 1, 0.0);
  joint[t] += probability;
}

/// Calls visit(t, P(t | m)) for t = 1, 2, ... from where it matters to where it no longer does.
template <typename Visit>
void for_each_count(double m, const Visit& visit) {
  const double first = std::max(1.0, std::floor(m - 9 * std::sqrt(m) - 5));
  double probability = poisson_probability(m, first);
  const double negligible = 1e-17 * m / (1 + m);
  for (double t = first; t < m || probability > negligible; ++t) {
    visit(static_cast<std::size_t>(t), probability);
    probability *= m / (t + 1);
  }
}

/// Adds weight * P(t | m) for t >= 1.
void add_poisson(JointProbabilities& joint, double m, double weight) {
  if (!(m > 0) || !(weight > 0)) return;
  for_each_count(m, [&](std::size_t t, double p) { add_to(joint, t, weight * p); });
}

/// P(t = 0) = E[e^-m] = (1 + scale)^-shape.
double zero_probability(const GammaParameters& gamma) {
  return gamma.shape > 0 ? std::exp(-gamma.shape * std::log1p(gamma.scale)) : 1;
}

/// t* is the count before dropout: P(t, c = 0) = E[drop(m) P(t | m)] for t > 0.
JointProbabilities joint_of_same(const GeneInCell& gene) {
  JointProbabilities joint{zero_probability(gene.observed)};
  if (!(gene.observed.shape > 0) || !gene.dropout.present) return joint;
  const Quadrature rule = quadrature(gene.observed, gene.dropout);
  for (const Node& node : rule.nodes) {
    add_poisson(joint, node.m, node.weight * gene.dropout.probability(node.m));
  }
  return joint;
}

JointProbabilities prior_of_truth(const GeneInCell& gene) {
  JointProbabilities joint{zero_probability(gene.truth)};
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
    add_to(joint, static_cast<std::size_t>(t), weight * (std::min(next, bound) - distribution));
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
  const Quadrature rule = quadrature(gene.observed, gene.dropout, lowest);
  JointProbabilities joint{rule.below};  // m too small to give a count
  for (const Node& node : rule.nodes) {
    const double m_truth = transported(gene.observed, gene.truth, node.m);
    const double drop = gene.dropout.probability(node.m);
    const double no_count = std::exp(-node.m);
    joint[0] += node.weight *
                (drop * std::exp(-m_truth) + (1 - drop) * std::min(no_count, std::exp(-m_truth)));
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
  double total = joint[0];
  double first = 0;
  double second = 0;
  for (std::size_t t = 1; t < joint.size(); ++t) {
    const double x = std::log2(1 + static_cast<double>(t) * scale);
    total += joint[t];
    first += joint[t] * x;
    second += joint[t] * x * x;
  }
  if (!(total > 0)) return {};
  const double mean = first / total;
  return {mean, std::max(0.0, second / total - mean * mean), joint[0] / total};
}

}  // namespace maskclass::simulate
