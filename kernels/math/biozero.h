#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/math/host_device.h"
namespace maskclass {
inline constexpr int kBiozeroTerms = 12;
inline void chebyshev_basis(float t, float* basis) {
  basis[0] = 1.0f;
  basis[1] = t;
  for (int k = 2; k < kBiozeroTerms; ++k)
    basis[k] = std::fma(2.0f * t, basis[k - 1], -basis[k - 2]);
}
inline float biozero_from_basis(const float* basis, std::size_t stride, const float* coefficients,
                                float shrink) {
  float p = 0;
  for (int k = kBiozeroTerms - 1; k >= 0; --k) p = std::fma(basis[k * stride], coefficients[k], p);
  return shrink * std::min(std::max(p, 0.0f), 1.0f);
}
}  // namespace maskclass
