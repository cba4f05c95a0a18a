#pragma once

#include "kernels/math/host_device.h"
#include "kernels/math/log2.h"

namespace maskclass {

/// x = log2(1 + count * size_factor), the paper's Section 2.1, in float64 and rounded once.
/// `count` >= 0, `size_factor` = median(L) / L_i > 0. The same bits on every machine.
MASKCLASS_HOST_DEVICE inline float log_normalised(float count, double size_factor) {
  return static_cast<float>(log2_from_one(1.0 + static_cast<double>(count) * size_factor));
}

}  // namespace maskclass
