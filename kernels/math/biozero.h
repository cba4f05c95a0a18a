#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/math/host_device.h"

/// The posterior that a zero is biological (paper, Section 2.6) as the kernels evaluate it, for
/// every zero of every batch: a Chebyshev expansion a gene in the cell's position t on the range of
/// ln l, so that all that depends on the cell alone (T_k(t) and the sparsity adjustment) is
/// computed once a cell, and a zero costs kBiozeroTerms fused multiply-adds. Explicit fma, and no
/// function of a maths library: the same bits on every instruction set and on CUDA.
namespace maskclass {

/// Coefficients a gene. docs/biozero.md has the error against their number.
inline constexpr int kBiozeroTerms = 16;

/// T_0(t) ... T_{kBiozeroTerms - 1}(t) for t in [-1, 1] to basis[0 .. kBiozeroTerms).
MASKCLASS_HOST_DEVICE inline void chebyshev_basis(float t, float* basis) {
  const float twice = t + t;
  basis[0] = 1.0f;
  basis[1] = t;
  for (int k = 2; k < kBiozeroTerms; ++k) basis[k] = fmaf(twice, basis[k - 1], -basis[k - 2]);
}

/// p = shrink * clamp(sum_k T_k c_k, 0, 1). `basis` holds T_k of one cell at
/// basis[k * basis_stride]; `coefficients` [kBiozeroTerms] are the gene's; `shrink` is the cell's
/// sparsity adjustment, in [0, 1]. The sum starts from 0 and takes the highest term first, so that
/// the small terms are added before the large ones: p = fma(T_k, c_k, p), k = kBiozeroTerms - 1
/// down to 0. A SIMD kernel does the same in each lane.
MASKCLASS_HOST_DEVICE inline float biozero_from_basis(const float* basis, std::size_t basis_stride,
                                                      const float* coefficients, float shrink) {
  float p = 0.0f;
  for (int k = kBiozeroTerms - 1; k >= 0; --k) {
    p = fmaf(basis[static_cast<std::size_t>(k) * basis_stride], coefficients[k], p);
  }
  p = p > 0.0f ? p : 0.0f;
  p = p < 1.0f ? p : 1.0f;
  return p * shrink;
}

}  // namespace maskclass
