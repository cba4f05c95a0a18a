#include "engine/preprocess/inverse_density.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "engine/preprocess/quantile.h"

namespace maskclass {
namespace {

constexpr int kGrid = 512;
using Grid = std::array<double, kGrid>;

double standard_deviation(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / (n - 1));
}

/// Silverman's rule of thumb (1986, eq. 3.31), with the fallback that R documents for quartiles
/// that coincide. At least two values, not all equal.
double bandwidth_of(std::span<const double> values) {
  std::vector<double> copy(values.begin(), values.end());
  const double upper_quartile = quantile(std::span(copy), 0.75);
  const double spread = (upper_quartile - quantile(std::span(copy), 0.25)) / 1.34;
  const double deviation = standard_deviation(values);
  const double scale = spread > 0 ? std::min(deviation, spread) : deviation;
  return 0.9 * scale * std::pow(static_cast<double>(values.size()), -0.2);
}

/// Shares each value's mass 1/n between the two grid points beside it.
Grid linear_binning(std::span<const double> values, double low, double high) {
  Grid mass{};
  const double step = (high - low) / (kGrid - 1);
  const double share = 1.0 / static_cast<double>(values.size());
  for (const double value : values) {
    const double position = (value - low) / step;
    const int bin = std::clamp(static_cast<int>(std::floor(position)), 0, kGrid - 2);
    const double fraction = position - bin;
    mass[bin] += share * (1 - fraction);
    mass[bin + 1] += share * fraction;
  }
  return mass;
}

/// The binned masses smoothed by a normal kernel. R convolves a zero-padded grid of 1,024 points
/// by a Fourier transform, and spaces the kernel's lags 2 (high - low) / 1023 apart (before R 4.4)
/// where the grid's are (high - low) / 511; 512 points are few enough for plain sums.
Grid smooth(const Grid& mass, double low, double high, double bandwidth) {
  const double lag = 2 * (high - low) / (2 * kGrid - 1);
  Grid kernel;
  for (int k = 0; k < kGrid; ++k) {
    const double z = k * lag / bandwidth;
    kernel[k] = std::exp(-z * z / 2) / (bandwidth * std::sqrt(2 * std::numbers::pi));
  }
  Grid density{};
  for (int i = 0; i < kGrid; ++i) {
    for (int j = 0; j < kGrid; ++j) density[i] += mass[j] * kernel[std::abs(i - j)];
  }
  return density;
}

/// Linear interpolation of a grid of equal steps from `low` to `high`.
double interpolate(const Grid& grid, double low, double high, double at) {
  const double position = (at - low) / (high - low) * (kGrid - 1);
  const int below = std::clamp(static_cast<int>(std::floor(position)), 0, kGrid - 2);
  const double fraction = position - below;
  return grid[below] + fraction * (grid[below + 1] - grid[below]);
}

}  // namespace

std::vector<double> inverse_density_weights(std::span<const double> values) {
  std::vector<double> weights(values.size(), 1.0);
  if (values.empty()) return weights;
  const auto [smallest, largest] = std::minmax_element(values.begin(), values.end());
  const double first = *smallest;
  const double last = *largest;
  if (!(last > first)) return weights;

  const double bandwidth = bandwidth_of(values);
  const double low = first - 4 * bandwidth;
  const double high = last + 4 * bandwidth;
  const Grid smoothed = smooth(linear_binning(values, low, high), low, high, bandwidth);
  // R interpolates to a second grid, within the values' range, before it interpolates to a value.
  Grid density;
  for (int k = 0; k < kGrid; ++k) {
    density[k] = interpolate(smoothed, low, high, first + k * ((last - first) / (kGrid - 1)));
  }
  for (std::size_t k = 0; k < values.size(); ++k) {
    weights[k] = 1 / std::max(interpolate(density, first, last, values[k]),
                              std::numeric_limits<double>::min());
  }
  const double mean =
      std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(weights.size());
  for (double& weight : weights) weight /= mean;
  return weights;
}

}  // namespace maskclass
