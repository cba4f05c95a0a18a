#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/math/quantile_position.h"

namespace maskclass {

/// Type 7 quantile of `n_zeros` zeros and the values, none of which is negative: a sparse column
/// needs no array of its zeros. Reorders the values; linear time. n_zeros + values.size() >= 1.
template <typename Value>
double quantile_with_zeros(std::span<Value> values, std::int64_t n_zeros, double q) {
  const auto [lower, fraction] =
      quantile_position(n_zeros + static_cast<std::int64_t>(values.size()), q);
  const auto first_above = [&](std::int64_t from) {
    return static_cast<double>(*std::min_element(values.begin() + from, values.end()));
  };
  double below = 0;
  double above = 0;
  if (lower >= n_zeros) {
    const auto at = values.begin() + (lower - n_zeros);
    std::nth_element(values.begin(), at, values.end());
    below = static_cast<double>(*at);
    if (fraction > 0) above = first_above(lower - n_zeros + 1);
  } else if (fraction > 0 && lower + 1 == n_zeros) {
    above = first_above(0);
  }
  return quantile_between(below, above, fraction);
}

/// Type 7 quantile of the values, of any sign. Reorders them; linear time. At least one value.
template <typename Value>
double quantile(std::span<Value> values, double q) {
  return quantile_with_zeros(values, 0, q);
}

}  // namespace maskclass
