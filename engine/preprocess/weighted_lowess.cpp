#include "engine/preprocess/weighted_lowess.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/preprocess/weighted_median.h"

namespace maskclass {
namespace {

/// Widths, variances and residual scales below this are taken for zero.
constexpr double kNegligible = 1e-7;

/// Points [first, end) around an anchor, and the distance at which their weight reaches zero.
struct Window {
  std::size_t first = 0;
  std::size_t end = 0;
  double half_width = 0;
};

/// The smallest distance for which a step from anchor to anchor leaves about `n_anchors` of them:
/// the large gaps hold one anchor each, the others share the sum of the small gaps.
double anchor_distance(std::span<const double> x, int n_anchors) {
  std::vector<double> gaps(x.size() - 1);
  for (std::size_t k = 0; k + 1 < x.size(); ++k) gaps[k] = x[k + 1] - x[k];
  std::sort(gaps.begin(), gaps.end());
  std::partial_sum(gaps.begin(), gaps.end(), gaps.begin());
  double smallest = std::numeric_limits<double>::infinity();
  for (int n_large = 0; n_large < n_anchors; ++n_large) {
    if (gaps.size() <= static_cast<std::size_t>(n_large)) return 0;
    smallest = std::min(smallest, gaps[gaps.size() - 1 - n_large] / (n_anchors - n_large));
  }
  return smallest;
}

/// Indices of the first point, the last, and each that is further than the distance from the
/// anchor before it.
std::vector<std::size_t> choose_anchors(std::span<const double> x, int n_anchors) {
  std::vector<std::size_t> anchors{0};
  if (x.size() == 1) return anchors;
  const double distance = anchor_distance(x, n_anchors);
  for (std::size_t k = 1; k + 1 < x.size(); ++k) {
    if (x[k] - x[anchors.back()] > distance) anchors.push_back(k);
  }
  anchors.push_back(x.size() - 1);
  return anchors;
}

/// The nearest points until their prior weights reach `weight`, with all that tie with the ends.
Window window_around(std::size_t anchor, std::span<const double> x, std::span<const double> weights,
                     double weight) {
  std::size_t left = anchor;
  std::size_t right = anchor;
  const std::size_t last = x.size() - 1;
  double reached = weights[anchor];
  while (reached < weight && (left > 0 || right < last)) {
    const bool go_left =
        right == last || (left > 0 && x[anchor] - x[left - 1] < x[right + 1] - x[anchor]);
    reached += go_left ? weights[--left] : weights[++right];
  }
  while (left > 0 && x[left - 1] == x[left]) --left;
  while (right < last && x[right + 1] == x[right]) ++right;
  return {left, right + 1, std::max(x[anchor] - x[left], x[right] - x[anchor])};
}

double cube(double value) {
  return value * value * value;
}

/// The local line of one anchor, evaluated there; `local` is scratch of at least the window's size.
double fit_at(double anchor, const Window& window, std::span<const double> x,
              std::span<const double> y, std::span<const double> prior,
              std::span<const double> robust, std::vector<double>& local) {
  const bool is_point = window.half_width < kNegligible;
  double total = 0;
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t k = window.first; k < window.end; ++k) {
    const double distance = is_point ? 0 : std::abs(x[k] - anchor) / window.half_width;
    const double weight = cube(1 - cube(distance)) * prior[k] * robust[k];
    local[k - window.first] = weight;
    total += weight;
    mean_x += weight * x[k];
    mean_y += weight * y[k];
  }
  // Every point of the window was an outlier: no better guess is left than the point's own value.
  if (!(total > 0)) return y[std::lower_bound(x.begin(), x.end(), anchor) - x.begin()];
  mean_x /= total;
  mean_y /= total;
  double variance = 0;
  double covariance = 0;
  for (std::size_t k = window.first; k < window.end; ++k) {
    const double weight = local[k - window.first];
    variance += weight * (x[k] - mean_x) * (x[k] - mean_x);
    covariance += weight * (x[k] - mean_x) * (y[k] - mean_y);
  }
  if (is_point || variance < kNegligible) return mean_y;
  return mean_y + covariance / variance * (anchor - mean_x);
}

/// Bisquare weights at six times the median absolute residual; false where the residuals are so
/// small that they cannot matter.
bool update_robustness(std::span<const double> residuals, std::span<const double> prior,
                       std::vector<double>& robust) {
  const double cutoff = 6 * weighted_median(residuals, prior);
  const double mean = std::accumulate(residuals.begin(), residuals.end(), 0.0) /
                      static_cast<double>(residuals.size());
  if (!(cutoff > kNegligible * mean)) return false;
  for (std::size_t k = 0; k < residuals.size(); ++k) {
    const double ratio = residuals[k] / cutoff;
    robust[k] = ratio < 1 ? (1 - ratio * ratio) * (1 - ratio * ratio) : 0;
  }
  return true;
}

}  // namespace

double PiecewiseLinear::operator()(double at) const {
  if (!(at > x.front())) return y.front();
  if (at >= x.back()) return y.back();
  const std::size_t above = std::upper_bound(x.begin(), x.end(), at) - x.begin();
  const double fraction = (at - x[above - 1]) / (x[above] - x[above - 1]);
  return y[above - 1] + fraction * (y[above] - y[above - 1]);
}

PiecewiseLinear weighted_lowess(std::span<const double> x, std::span<const double> y,
                                std::span<const double> weights, const LowessOptions& options) {
  const std::vector<std::size_t> anchors = choose_anchors(x, options.n_anchors);
  const double window_weight = options.span * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<Window> windows;
  PiecewiseLinear curve;
  for (const std::size_t anchor : anchors) {
    windows.push_back(window_around(anchor, x, weights, window_weight));
    curve.x.push_back(x[anchor]);
  }
  curve.y.resize(anchors.size());

  std::vector<double> robust(x.size(), 1.0);
  std::vector<double> residuals(x.size());
  std::vector<double> local(x.size());
  for (int iteration = 0; iteration < options.n_iterations; ++iteration) {
    for (std::size_t k = 0; k < anchors.size(); ++k) {
      curve.y[k] = fit_at(curve.x[k], windows[k], x, y, weights, robust, local);
    }
    for (std::size_t k = 0; k < x.size(); ++k) residuals[k] = std::abs(y[k] - curve(x[k]));
    if (!update_robustness(residuals, weights, robust)) break;
  }
  return curve;
}

}  // namespace maskclass
