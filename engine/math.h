#pragma once

#include <math.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace maskclass {

constexpr double squared(double x) {
  return x * x;
}

/// ln Gamma(x), without the global that std::lgamma writes.
inline double log_gamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

/// Of an even number of values the mean of the two in the middle; 0 without any. Linear time.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace maskclass
