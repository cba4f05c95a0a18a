#include "engine/biozero/calibrated/kept_moments.h"

#include <algorithm>
#include <cmath>

namespace maskclass::calibrated {

KeptMoments kept_moments(const GammaDistribution& gamma, const LogisticDropout& dropout) {
  KeptMoments moments;
  const GammaRule rule(gamma, dropout.present ? dropout.slope : 0.0);
  // Odds of being dropped fall by the same factor from node to node.
  const double fall = std::exp(-dropout.slope * rule.step());
  double odds =
      dropout.present
          ? std::exp(std::min(600.0, dropout.level - dropout.slope * rule.nodes()[0].log_lambda))
          : 0.0;
  for (const GammaNode& node : rule.nodes()) {
    // kept = 1 - delta; pq = delta (1 - delta), the derivative of delta by its log odds.
    const double kept = 1 / (1 + odds);
    const double pq = odds * kept * kept;
    odds *= fall;
    const double lambda = node.lambda;
    const double some = -std::expm1(-lambda);
    const double none = 1 - some;
    const std::array<double, 3> power = {some, lambda, lambda * lambda + lambda};
    // Derivatives of `power` by ln lambda, in which ln mean shifts every node.
    const std::array<double, 3> growth = {lambda * none, lambda, 2 * lambda * lambda + lambda};
    for (int k = 0; k < 3; ++k) {
      const double value = node.weight * kept * power[k];
      const double dropped = node.weight * pq * power[k];
      moments.value[k] += value;
      moments.by_log_mean[k] += node.weight * kept * growth[k] + dropped * dropout.slope;
      moments.by_log_shape[k] += value * node.shape_score;
      moments.by_level[k] -= dropped;
      moments.by_slope[k] += dropped * node.log_lambda;
    }
  }
  return moments;
}

}  // namespace maskclass::calibrated
