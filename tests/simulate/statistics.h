#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace maskclass::test {

/// Kolmogorov-Smirnov: sqrt(n) times the largest distance between the sample's distribution
/// function and `distribution`. Exceeds 2.2 with probability 1.2e-4 where they are the same.
template <typename Distribution>
double kolmogorov_smirnov(std::vector<double> sample, const Distribution& distribution) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t k = 0; k < sample.size(); ++k) {
    const double expected = distribution(sample[k]);
    distance = std::max({distance, expected - k / n, (k + 1) / n - expected});
  }
  return distance * std::sqrt(n);
}
inline constexpr double kKolmogorovLimit = 2.2;

inline double normal_distribution(double z) {
  return std::erfc(-z / std::sqrt(2.0)) / 2;
}

/// (sum of squares of n standard normal numbers - n) / sqrt(2 n): nearly standard normal itself for
/// a large n. Beyond 5 for a right skewed sum has probability of order 1e-5.
inline double excess_chi_squared(double sum, double n) {
  return (sum - n) / std::sqrt(2 * n);
}

}  // namespace maskclass::test
