#pragma once

#include <cmath>

#include "kernels/math/host_device.h"

/// What becomes of a reconstructed log2 value (paper, Section 2.9).
namespace maskclass {

/// Negative values mean less than no count.
MASKCLASS_HOST_DEVICE inline float clamped_log2(float log2_value) {
  return log2_value < 0.0f ? 0.0f : log2_value;
}

/// On the scale of the cell's counts: (2^x - 1) L_i / median(L), in float64 and rounded once.
/// `library_factor` = L_i / median(L).
MASKCLASS_HOST_DEVICE inline float count_of_log2(float log2_value, double library_factor) {
  return static_cast<float>((std::exp2(static_cast<double>(log2_value)) - 1) * library_factor);
}

}  // namespace maskclass
