#pragma once

#include <array>

#include "engine/biozero/calibrated/predicted.h"
#include "engine/biozero/calibrated/statistics.h"

namespace maskclass::calibrated {

/// How to make the three differences between observed and predicted statistics independent and of
/// variance 1: the inverse of their sampling covariance, plus an allowance for a model that is only
/// nearly right.
struct Whitening {
  double rate = 0;  ///< 0 where the statistic says nothing
  double mean = 0;
  double variance = 0;
  double mean_in_variance = 0;  ///< regression of the variance's difference on the mean's
};

/// From the sampling moments of negative binomial values with a mean and variance half way between
/// observed and predicted.
Whitening whitening_of(const GeneStatistics& observed, const Predicted& predicted);

/// Observed minus predicted, whitened.
std::array<double, 3> residuals(const GeneStatistics& observed, const Predicted& predicted,
                                const Whitening& whitening);

/// Derivatives of -residuals(): [3][kParameters].
std::array<Predicted::Gradient, 3> jacobian(const Predicted& predicted, const Whitening& whitening);

}  // namespace maskclass::calibrated
