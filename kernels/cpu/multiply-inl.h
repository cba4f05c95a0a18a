// The one matrix kernel of the CPU backend: a tile of C = A X in registers.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_MULTIPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_MULTIPLY_INL_H
#undef MASKCLASS_MULTIPLY_INL_H
#else
#define MASKCLASS_MULTIPLY_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/cpu/formulas-inl.h"
#include "kernels/cpu/layout.h"

#ifndef MASKCLASS_UNROLL
#define MASKCLASS_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define MASKCLASS_UNROLL(n) MASKCLASS_PRAGMA(clang loop unroll_count(n))
#else
#define MASKCLASS_UNROLL(n) MASKCLASS_PRAGMA(GCC unroll n)
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));
inline constexpr int kVectorsInGroup = kGroup / kLanes;
static_assert(kLanes <= kGroup);

/// Rows of a tile: with two vectors a row, as many sums as leave registers for their factors.
inline constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 4;
inline constexpr int kTileVectors = 2;

/// Element (row, step) of the left factor is at[row * row_stride + step * step_stride].
struct Factor {
  const float* at;
  std::size_t row_stride;
  std::size_t step_stride;
};

/// The start of vector `v` in row 0 of a panel [group][rows][16].
HWY_INLINE std::size_t vector_offset(int v, std::size_t panel) {
  return (v / kVectorsInGroup) * panel + static_cast<std::size_t>(v % kVectorsInGroup) * kLanes;
}

/// sums[r][v] += sum over steps, in order, of left(r, step) * right[step][vector first + v], where
/// `right` is a panel whose rows are the steps.
template <int kRows, int kVectors>
HWY_INLINE void multiply_add(const Factor& left, const float* HWY_RESTRICT right, std::size_t panel,
                             int first_vector, std::int64_t n_steps,
                             Vector (&sums)[kRows][kVectors]) {
  const Floats d;
  const float* HWY_RESTRICT columns[kVectors];
  for (int v = 0; v < kVectors; ++v) columns[v] = right + vector_offset(first_vector + v, panel);
  const float* HWY_RESTRICT a = left.at;
  MASKCLASS_UNROLL(4)
  for (std::int64_t step = 0; step < n_steps; ++step, a += left.step_stride) {
    Vector x[kVectors];
    for (int v = 0; v < kVectors; ++v) x[v] = hn::Load(d, columns[v] + step * kGroup);
    for (int r = 0; r < kRows; ++r) {
      const Vector factor = hn::Set(d, a[r * left.row_stride]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, x[v], sums[r][v]);
    }
  }
}

template <int kRows, int kVectors>
HWY_INLINE void clear(Vector (&sums)[kRows][kVectors]) {
  for (auto& row : sums) {
    for (Vector& sum : row) sum = hn::Zero(Floats());
  }
}

#if HWY_TARGET != HWY_SCALAR
/// Adds the upper half of the lanes to the lower until one is left.
template <class D>
HWY_INLINE float sum_of_lanes(D /*d*/, hn::Vec<D> lanes) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return sum_of_lanes(half, hn::Add(hn::LowerHalf(half, lanes), hn::UpperHalf(half, lanes)));
  } else {
    lanes = hn::Add(lanes, hn::Shuffle1032(lanes));
    return hn::GetLane(hn::Add(lanes, hn::Shuffle2301(lanes)));
  }
}
#endif

/// The sum of the 16 cells of a group, in an order that does not depend on the width of a vector:
/// 8 sums of cells that lie 8 apart, then 4 of those that lie 4 apart, and so on.
HWY_INLINE float sum_of_group(const Vector (&vectors)[kVectorsInGroup]) {
#if HWY_TARGET == HWY_SCALAR
  float lanes[kGroup];
  for (int v = 0; v < kGroup; ++v) lanes[v] = hn::GetLane(vectors[v]);
  for (int width = kGroup / 2; width > 0; width /= 2) {
    for (int k = 0; k < width; ++k) lanes[k] += lanes[k + width];
  }
  return lanes[0];
#else
  Vector sums[kVectorsInGroup];
  for (int v = 0; v < kVectorsInGroup; ++v) sums[v] = vectors[v];
  for (int width = kVectorsInGroup / 2; width > 0; width /= 2) {
    for (int v = 0; v < width; ++v) sums[v] = hn::Add(sums[v], sums[v + width]);
  }
  return sum_of_lanes(Floats(), sums[0]);
#endif
}

/// The same, from the start: out[r][v] = start[r], or 0 where `start` is null, + the product.
template <int kRows, int kVectors>
HWY_INLINE void affine(const Factor& left, const float* start, const float* HWY_RESTRICT right,
                       std::size_t panel, int first_vector, std::int64_t n_steps,
                       Vector (&out)[kRows][kVectors]) {
  const Floats d;
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) {
      out[r][v] = start == nullptr ? hn::Zero(d) : hn::Set(d, start[r]);
    }
  }
  multiply_add(left, right, panel, first_vector, n_steps, out);
}

/// Stores a tile to a panel [group][rows][16] whose row 0 is the tile's first.
template <int kRows, int kVectors>
HWY_INLINE void store_tile(const Vector (&tile)[kRows][kVectors], float* HWY_RESTRICT to,
                           std::size_t panel, int first_vector) {
  for (int v = 0; v < kVectors; ++v) {
    float* HWY_RESTRICT column = to + vector_offset(first_vector + v, panel);
    for (std::int64_t r = 0; r < kRows; ++r) hn::Store(tile[r][v], Floats(), column + r * kGroup);
  }
}

/// Adds a tile to what lies there.
template <int kRows, int kVectors>
HWY_INLINE void add_tile(const Vector (&tile)[kRows][kVectors], float* HWY_RESTRICT to,
                         std::size_t panel, int first_vector) {
  const Floats d;
  for (int v = 0; v < kVectors; ++v) {
    float* HWY_RESTRICT column = to + vector_offset(first_vector + v, panel);
    for (std::int64_t r = 0; r < kRows; ++r) {
      hn::Store(hn::Add(hn::Load(d, column + r * kGroup), tile[r][v]), d, column + r * kGroup);
    }
  }
}

/// A compile-time number handed to a generic lambda.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

/// On the lambda of a tile, which captures by value: what it needs is then in registers, where a
/// reference would be followed again after every store.
#define MASKCLASS_TILE HWY_ATTR __attribute__((always_inline))

/// Calls tile(Constant<rows>, Constant<vectors>, first_row, first_vector) so that the tiles cover
/// n_rows x n_vectors: the largest tiles first, then what is left.
template <class Tile>
HWY_INLINE void for_each_tile(std::int64_t n_rows, int n_vectors, const Tile& tile) {
  int v = 0;
  const auto rows = [&tile, n_rows](auto vectors, int v) MASKCLASS_TILE {
    std::int64_t r = 0;
    for (; r + kTileRows <= n_rows; r += kTileRows) tile(Constant<kTileRows>(), vectors, r, v);
    for (; r + 4 <= n_rows; r += 4) tile(Constant<4>(), vectors, r, v);
    for (; r < n_rows; ++r) tile(Constant<1>(), vectors, r, v);
  };
  for (; v + kTileVectors <= n_vectors; v += kTileVectors) rows(Constant<kTileVectors>(), v);
  for (; v < n_vectors; ++v) rows(Constant<1>(), v);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
