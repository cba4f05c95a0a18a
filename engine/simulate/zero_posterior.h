#pragma once

#include <cstdint>
#include <vector>

#include "engine/simulate/generator.h"

namespace maskclass::simulate {

/// The two distributions of one gene in the cells of one group and batch: of the expression m
/// behind the observed count, and of the expression behind the true count.
struct GeneInCell {
  GammaParameters observed;
  GammaParameters truth;  ///< the same as `observed` unless the truth has no batch effects
  DropoutCurve dropout;
};

/// How the true count t* hangs together with the observed one c.
enum class TruthCoupling {
  same,         ///< t* is the count before dropout
  coupled,      ///< t* is drawn from its own distributions by the same uniform numbers
  independent,  ///< t* is drawn apart: c says nothing about it
};

/// P(t* = t and c = 0): one by one for small t, and summed up in a few points for large t, where
/// x* changes little from one count to the next.
struct JointProbabilities {
  struct Point {
    double t = 0;
    double probability = 0;
  };
  std::vector<double> small;  ///< t = 0, 1, ...; never empty
  std::vector<Point> large;

  double zero() const { return small[0]; }
  /// Calls visit(t, probability) for every t > 0.
  template <typename Visit>
  void for_each_positive(const Visit& visit) const {
    for (std::size_t t = 1; t < small.size(); ++t) visit(static_cast<double>(t), small[t]);
    for (const Point& point : large) visit(point.t, point.probability);
  }
};

/// Integrates the expression m out by the trapezoidal rule in ln m, which converges geometrically
/// for these analytic integrands (docs/simulation.md, "Bayes floor"). With `independent`, c = 0 is
/// left out: P(t* = t).
JointProbabilities joint_with_zero_count(const GeneInCell& gene, TruthCoupling coupling);

/// What a zero count says about x* = log2(1 + t* scale).
struct PosteriorMoments {
  double mean = 0;              ///< E[x* | c = 0]
  double variance = 0;          ///< Var(x* | c = 0)
  double zero_probability = 1;  ///< P(t* = 0 | c = 0)
};

PosteriorMoments posterior_moments(const JointProbabilities& joint, double scale);

}  // namespace maskclass::simulate
