#pragma once

#include <array>

#include "engine/biozero/calibrated/gamma_rule.h"

namespace maskclass::calibrated {

/// delta(lambda) = logistic(level - slope ln lambda): the probability that a count is dropped.
struct LogisticDropout {
  double level = 0;
  double slope = 1;     ///< >= 0
  bool present = true;  ///< false: nothing is ever dropped.
};

/// Of one count c = t (1 - d), t ~ Poisson(lambda), lambda ~ Gamma, d ~ Bernoulli(delta(lambda)):
/// P(c > 0), E[c], E[c^2], and their derivatives.
struct KeptMoments {
  using Triple = std::array<double, 3>;
  Triple value{};
  Triple by_log_mean{};
  Triple by_log_shape{};
  Triple by_level{};
  Triple by_slope{};
};

/// By GammaRule; relative error about 1e-6, of E[c^2] 1e-5.
KeptMoments kept_moments(const GammaDistribution& gamma, const LogisticDropout& dropout);

}  // namespace maskclass::calibrated
