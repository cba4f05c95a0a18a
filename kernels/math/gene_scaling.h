#pragma once

#include "kernels/math/host_device.h"

namespace maskclass {

/// The affine map of one gene between log2 values and the network's range [-1, 1]: winsorising to
/// [low, high], standardising and rescaling compose to a clamp and one affine map, since mean and
/// deviation cancel (paper, Section 2.4).
struct GeneScaling {
  float low = 0;          ///< 2 % quantile of x over all cells, >= 0.
  float high = 0;         ///< 99.5 % quantile.
  float to_scaled = 0;    ///< 2 / (high - low); 0 for a gene that is constant after winsorising.
  float from_scaled = 0;  ///< (high - low) / 2; 0 for a constant gene.
  float max_count = 0;    ///< Largest raw count: the range of the noise at masked zeros.
};

/// Ranges below this are taken for constant (paper, Section 2.4: eps).
inline constexpr float kSmallestRange = 1e-8f;

/// The scaling of a gene with these quantiles (0 <= low <= high) and largest count. Tests for a
/// constant gene before it divides.
MASKCLASS_HOST_DEVICE inline GeneScaling make_gene_scaling(float low, float high, float max_count) {
  const float range = high - low;
  if (!(range >= kSmallestRange)) return {low, high, 0.0f, 0.0f, max_count};
  return {low, high, 2.0f / range, range / 2.0f, max_count};
}

/// Whether the gene is constant after winsorising.
MASKCLASS_HOST_DEVICE inline bool is_constant(const GeneScaling& gene) {
  return gene.to_scaled == 0.0f;
}

/// The value of every zero, since low >= 0 and scale() clamps.
inline constexpr float kScaledZero = -1.0f;

/// log2 value to [-1, 1]; clamps. A constant gene gives -1.
MASKCLASS_HOST_DEVICE inline float scale(float x, const GeneScaling& gene) {
  const float winsorised = x < gene.low ? gene.low : (x > gene.high ? gene.high : x);
  return (winsorised - gene.low) * gene.to_scaled - 1.0f;
}

/// Scaled value back to log2; does not clamp. A constant gene gives its constant.
MASKCLASS_HOST_DEVICE inline float inverse_scale(float s, const GeneScaling& gene) {
  return (s + 1.0f) * gene.from_scaled + gene.low;
}

}  // namespace maskclass
