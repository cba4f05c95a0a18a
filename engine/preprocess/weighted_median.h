#pragma once

#include <span>

namespace maskclass {

/// The median of values with weights, both [n], n >= 1, weights positive: the smallest value at
/// which the cumulative weight exceeds half of the total; where it equals half, the mean of that
/// value and the next.
double weighted_median(std::span<const double> values, std::span<const double> weights);

/// The same, interpolated: each value sits at the middle of its own weight on the axis of
/// cumulative weight, and the line between neighbours is read off at half of the total. For equal
/// weights it is the ordinary median. (The definition that R's matrixStats documents.)
double interpolated_weighted_median(std::span<const double> values,
                                    std::span<const double> weights);

}  // namespace maskclass
