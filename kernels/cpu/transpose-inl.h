// Squares of numbers in registers, and panels between cells in the lanes and units in the lanes.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_TRANSPOSE_INL_H
#undef MASKCLASS_TRANSPOSE_INL_H
#else
#define MASKCLASS_TRANSPOSE_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/cpu/layout.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Vectors of at most eight lanes: a byte of bits covers one, and eight fit into the registers.
using SquareFloats = hn::CappedTag<float, 8>;
using SquareVector = hn::Vec<SquareFloats>;
inline constexpr int kSquare = static_cast<int>(hn::MaxLanes(SquareFloats()));

/// Exchanges rows and columns.
HWY_INLINE void transpose(SquareVector (&square)[kSquare]) {
#if HWY_TARGET == HWY_SCALAR
  (void)square;
#else
  const SquareFloats d;
  const hn::RepartitionToWide<SquareFloats> pairs;
  // Within blocks of four lanes: pairs of rows, then fours.
  SquareVector fours[kSquare];
  for (int k = 0; k < kSquare; k += 4) {
    const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, square[k], square[k + 1]));
    const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, square[k], square[k + 1]));
    const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, square[k + 2], square[k + 3]));
    const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, square[k + 2], square[k + 3]));
    fours[k] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
    fours[k + 1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
    fours[k + 2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
    fours[k + 3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
  }
  if constexpr (kSquare == 4) {
    for (int k = 0; k < 4; ++k) square[k] = fours[k];
  } else {
    for (int k = 0; k < 4; ++k) {
      square[k] = hn::ConcatLowerLower(d, fours[k + 4], fours[k]);
      square[k + 4] = hn::ConcatUpperUpper(d, fours[k + 4], fours[k]);
    }
  }
#endif
}

/// Copies a group's panel [n_rows][16 cells] into a transposed panel [row group][cell][16 rows]
/// whose row groups lie `unit_panel` apart.
HWY_INLINE void transpose_group(const float* HWY_RESTRICT panel, std::int64_t n_rows,
                                std::int64_t group, std::size_t unit_panel,
                                float* HWY_RESTRICT transposed) {
  const SquareFloats d;
  std::int64_t row = 0;
  for (; row + kSquare <= n_rows; row += kSquare) {
    float* to = transposed + (row / kGroup) * unit_panel + group * kGroup * kGroup + row % kGroup;
    for (std::int64_t cell = 0; cell < kGroup; cell += kSquare) {
      SquareVector square[kSquare];
      for (std::int64_t k = 0; k < kSquare; ++k) {
        square[k] = hn::Load(d, panel + (row + k) * kGroup + cell);
      }
      transpose(square);
      for (std::int64_t k = 0; k < kSquare; ++k) {
        hn::Store(square[k], d, to + (cell + k) * kGroup);
      }
    }
  }
  for (; row < n_rows; ++row) {
    float* column =
        transposed + (row / kGroup) * unit_panel + group * kGroup * kGroup + row % kGroup;
    for (std::int64_t cell = 0; cell < kGroup; ++cell) {
      column[cell * kGroup] = panel[row * kGroup + cell];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
