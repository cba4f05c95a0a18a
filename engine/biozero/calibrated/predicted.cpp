#include "engine/biozero/calibrated/predicted.h"

#include <algorithm>
#include <cmath>

namespace maskclass::calibrated {
namespace {

constexpr double kSmallestRate = 1e-12;

using Gradient = Predicted::Gradient;

/// sum += weight * moment, and its gradient.
struct Moment {
  double value = 0;
  Gradient gradient{};

  void add(double weight, double moment, const Gradient& slopes) {
    value += weight * moment;
    for (int p = 0; p < kParameters; ++p) gradient[p] += weight * slopes[p];
  }
};

}  // namespace

Predicted predict(const Model& model, std::int64_t cluster, std::int64_t gene,
                  const Quadrature& log_library, double centre) {
  const double slope = model.dropout[cluster].slope;
  const double of_mean = 1 - model.expression_share;
  std::array<Moment, 3> moments;  // of c > 0, c/l and (c/l)^2
  for (std::size_t node = 0; node < log_library.nodes.size(); ++node) {
    const double log_l = log_library.nodes[node];
    const GammaDistribution gamma = model.distribution(cluster, gene, log_l);
    const KeptMoments kept = kept_moments(gamma, model.dropout_at(cluster, gamma));
    // ln shape = -2 ln(common + poisson / sqrt(mu)) - 2 log_factor
    const double poisson = model.trend.poisson * std::exp(-gamma.log_mean / 2);
    const double poisson_share = poisson / (model.trend.common + poisson);
    double scale = log_library.weights[node];
    for (int k = 0; k < 3; ++k) {
      const double by_shape = kept.by_log_shape[k];
      // The curve's log odds move with the mean, too, by the share that depends on it.
      const Gradient slopes = {
          kept.by_log_mean[k] - slope * of_mean * kept.by_level[k] + by_shape * poisson_share,
          -2 * by_shape,
          -2 * by_shape * (1 - poisson_share),
          -2 * by_shape * poisson_share,
          kept.by_level[k],
          slope * (model.expression_share * kept.by_slope[k] +
                   (centre - of_mean * gamma.log_mean) * kept.by_level[k])};
      moments[k].add(scale, kept.value[k], slopes);
      scale *= std::exp(-log_l);
    }
  }
  Predicted result;
  const double rate = std::max(moments[0].value, kSmallestRate);
  result.nonzero_rate = rate;
  result.mean = moments[1].value / rate;
  const double square = moments[2].value / rate;
  result.variance = square - result.mean * result.mean;
  for (int p = 0; p < kParameters; ++p) {
    const double d_rate = moments[0].gradient[p];
    result.d_nonzero_rate[p] = d_rate;
    result.d_mean[p] = (moments[1].gradient[p] - result.mean * d_rate) / rate;
    result.d_variance[p] =
        (moments[2].gradient[p] - square * d_rate) / rate - 2 * result.mean * result.d_mean[p];
  }
  return result;
}

}  // namespace maskclass::calibrated
