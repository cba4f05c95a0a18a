#pragma once

#include <cmath>
#include <span>

namespace maskclass {

/// The parametric mean-variance curve f(m) = A m / (m^K + B), with A = e^a, B = e^b, K = 1 + e^k:
/// it rises along a line from the origin, peaks and falls, as the variance of log counts does.
struct VarianceCurve {
  double a = 0;
  double b = 0;
  double k = 0;

  double operator()(double mean) const {
    return std::exp(a) * mean / (std::pow(mean, 1 + std::exp(k)) + std::exp(b));
  }
};

/// Where the fit of the curve starts: the gradient of a line through the origin over the lowest
/// means, and the best of a grid of (B, K) by the unweighted sum of squares.
/// `means`, `variances`: [n], positive, n >= 1, ascending by mean.
VarianceCurve starting_curve(std::span<const double> means, std::span<const double> variances);

/// The curve of smallest weighted sum of squares, by Gauss-Newton with step halving from `start`,
/// with the criterion of convergence and the tests for failure of R's `nls` (Bates and Watts 1988:
/// the relative offset). A fit that fails (singular gradient, steps too small, 500 iterations, too
/// few values) gives `start` back. `weights`: [n], positive.
VarianceCurve fit_curve(std::span<const double> means, std::span<const double> variances,
                        std::span<const double> weights, const VarianceCurve& start);

}  // namespace maskclass
