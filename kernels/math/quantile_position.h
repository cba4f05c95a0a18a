#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/host_device.h"

namespace maskclass {

/// Where a quantile of n ordered values lies: between order statistics `lower` and `lower` + 1.
struct QuantilePosition {
  std::int64_t lower = 0;  ///< Index from 0 of the order statistic below.
  double fraction = 0;     ///< How far towards the next, in [0, 1).
};

/// Type 7 of Hyndman and Fan 1996, the default of numpy and R: h = (n - 1) q. `n` >= 1.
MASKCLASS_HOST_DEVICE inline QuantilePosition quantile_position(std::int64_t n, double q) {
  const double h = static_cast<double>(n - 1) * q;
  const double lower = std::floor(h);
  return {static_cast<std::int64_t>(lower), h - lower};
}

/// The quantile from the order statistics at `lower` and `lower` + 1; without a fraction the second
/// may be anything.
MASKCLASS_HOST_DEVICE inline double quantile_between(double below, double above, double fraction) {
  return fraction > 0 ? below + (above - below) * fraction : below;
}

}  // namespace maskclass
