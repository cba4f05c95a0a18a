#pragma once

#include <span>

namespace maskclass {

/// The median of values with weights, both [n], n >= 1, weights positive: the smallest value at
/// which the cumulative weight exceeds half of the total; where it equals half, the mean of that
/// value and the next.
double weighted_median(std::span<const double> values, std::span<const double> weights);

}  // namespace maskclass
