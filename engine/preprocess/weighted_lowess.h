#pragma once

#include <span>
#include <vector>

namespace maskclass {

/// A curve of straight lines between knots, constant outside them.
struct PiecewiseLinear {
  std::vector<double> x;  ///< [n_knots], n_knots >= 1, ascending.
  std::vector<double> y;  ///< [n_knots]

  double operator()(double at) const;
};

struct LowessOptions {
  double span = 0.3;     ///< Share of the total prior weight in a window.
  int n_anchors = 200;   ///< About how many points are fitted; lines join them.
  int n_iterations = 4;  ///< The fit, and refits with robustness weights.
};

/// Locally weighted linear regression with robustness weights (Cleveland 1979, "Robust locally
/// weighted regression and smoothing scatterplots") in which a point's prior weight also counts in
/// the width of a window and in the median of the residuals.
/// `x` ascending, `y`, `weights` positive: [n], n >= 1.
PiecewiseLinear weighted_lowess(std::span<const double> x, std::span<const double> y,
                                std::span<const double> weights, const LowessOptions& options = {});

}  // namespace maskclass
