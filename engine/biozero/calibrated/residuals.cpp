#include "engine/biozero/calibrated/residuals.h"

#include <algorithm>
#include <cmath>

#include "engine/math.h"

namespace maskclass::calibrated {
namespace {

/// The allowance for misfit, as a share of the statistic.
constexpr double kRateMisfit = 0.01;
constexpr double kMeanMisfit = 0.01;
constexpr double kVarianceMisfit = 0.05;
/// The predicted variance counts as much as this many non-zeros, so that a variance of two equal
/// values is not taken at its word.
constexpr double kPriorNonzeros = 5;

}  // namespace

Whitening whitening_of(const GeneStatistics& observed, const Predicted& predicted) {
  Whitening whitening;
  if (!(observed.n_entries > 0)) return whitening;
  const double n = observed.n_nonzeros;
  const double rate =
      (n / observed.n_entries + predicted.nonzero_rate + 1 / observed.n_entries) / 2;
  const double spread = std::max(rate * (1 - rate), 1 / squared(observed.n_entries));
  whitening.rate = 1 / std::sqrt(spread / observed.n_entries + squared(kRateMisfit) * spread);
  if (n < 1) return whitening;

  const double mean = (observed.mean + predicted.mean) / 2;
  const double predicted_variance = std::max(predicted.variance, 1e-6 * squared(mean));
  const double variance = (std::max(0.0, n - 1) * (observed.variance + predicted_variance) / 2 +
                           kPriorNonzeros * predicted_variance) /
                          (std::max(0.0, n - 1) + kPriorNonzeros);
  whitening.mean = 1 / std::sqrt(variance / n + squared(kMeanMisfit * mean));
  if (n < 2) return whitening;

  // Central moments of a negative binomial with this mean and variance.
  const double phi = std::max(0.0, variance - mean) / squared(mean);
  const double third = variance * (1 + 2 * phi * mean);
  const double kurtosis = 2 + 6 * phi + 1 / variance;
  whitening.mean_in_variance = third / variance;
  const double left = std::max(squared(variance) * kurtosis - squared(third) / variance,
                               0.1 * squared(variance) * kurtosis);
  whitening.variance = 1 / std::sqrt(left / n + squared(kVarianceMisfit * variance));
  return whitening;
}

std::array<double, 3> residuals(const GeneStatistics& observed, const Predicted& predicted,
                                const Whitening& whitening) {
  const double rate = observed.n_entries > 0 ? observed.n_nonzeros / observed.n_entries : 0;
  const double mean = observed.mean - predicted.mean;
  const double variance = observed.variance - predicted.variance;
  return {whitening.rate * (rate - predicted.nonzero_rate), whitening.mean * mean,
          whitening.variance * (variance - whitening.mean_in_variance * mean)};
}

std::array<Predicted::Gradient, 3> jacobian(const Predicted& predicted,
                                            const Whitening& whitening) {
  std::array<Predicted::Gradient, 3> result;
  for (int p = 0; p < kParameters; ++p) {
    result[0][p] = whitening.rate * predicted.d_nonzero_rate[p];
    result[1][p] = whitening.mean * predicted.d_mean[p];
    result[2][p] = whitening.variance *
                   (predicted.d_variance[p] - whitening.mean_in_variance * predicted.d_mean[p]);
  }
  return result;
}

}  // namespace maskclass::calibrated
