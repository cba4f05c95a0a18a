// Adam, applied to a gradient while it is in registers.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_ADAM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_ADAM_INL_H
#undef MASKCLASS_ADAM_INL_H
#else
#define MASKCLASS_ADAM_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/formulas-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"
// After formulas-inl.h:
#include "kernels/math/adam.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// The arrays of a Tensor, to pass by value.
struct TensorPointers {
  explicit TensorPointers(Tensor& tensor)
      : value(tensor.value.data()),
        first_moment(tensor.first_moment.data()),
        second_moment(tensor.second_moment.data()) {}

  float* HWY_RESTRICT value;
  float* HWY_RESTRICT first_moment;
  float* HWY_RESTRICT second_moment;
};

/// Asks for the cache lines of a weight and its moments.
HWY_INLINE void prefetch(const TensorPointers& tensor, std::size_t at) {
  hwy::Prefetch(tensor.value + at);
  hwy::Prefetch(tensor.first_moment + at);
  hwy::Prefetch(tensor.second_moment + at);
}

/// Adam's update of `kLanes` weights from `at` on. Returns the new ones.
HWY_INLINE Vector update_at(const AdamStep& adam, Vector gradient, const TensorPointers& tensor,
                            std::size_t at) {
  const Floats d;
  Vector value = hn::Load(d, tensor.value + at);
  Vector m = hn::Load(d, tensor.first_moment + at);
  Vector v = hn::Load(d, tensor.second_moment + at);
  adam_update(adam, gradient, value, m, v);
  hn::Store(value, d, tensor.value + at);
  hn::Store(m, d, tensor.first_moment + at);
  hn::Store(v, d, tensor.second_moment + at);
  return value;
}

/// The gradient of rows [first_row, first_row + n_rows) of a weight array [row][width], which is
/// sum over cells of left(row, cell) * right[cell][unit], and its update. The left factor lies in a
/// panel [group][left_rows][16]; `right` is a transposed panel [unit group][cell][16].
HWY_INLINE void update_weights(const AdamStep& adam_step, const float* left, std::size_t left_panel,
                               const float* right, std::int64_t n_groups, std::int64_t right_panel,
                               std::int64_t first_row, std::int64_t n_rows, std::int64_t width,
                               Tensor& weight) {
  const TensorPointers tensor(weight);
  const AdamStep adam = adam_step;
  for_each_tile(n_rows, static_cast<int>(width / kLanes),
                [=](auto rows, auto vectors, std::int64_t row, int vector) MASKCLASS_TILE {
                  const std::size_t at =
                      (first_row + row) * width + static_cast<std::size_t>(vector) * kLanes;
                  for (int r = 0; r < rows.value; ++r) prefetch(tensor, at + r * width);
                  Vector sums[rows.value][vectors.value];
                  clear(sums);
                  for (std::int64_t group = 0; group < n_groups; ++group) {
                    const Factor cells{left + group * left_panel + row * kGroup, kGroup, 1};
                    multiply_add(cells, right + group * kGroup * kGroup, right_panel, vector,
                                 kGroup, sums);
                  }
                  MASKCLASS_UNROLL(16)
                  for (int r = 0; r < rows.value; ++r) {
                    MASKCLASS_UNROLL(16)
                    for (int v = 0; v < vectors.value; ++v) {
                      update_at(adam, sums[r][v], tensor,
                                at + r * width + static_cast<std::size_t>(v) * kLanes);
                    }
                  }
                });
}

/// The same for n_rows values of a bias from `at` on, whose gradient is the sum over the cells of
/// `left`. The bias is padded to whole vectors; the gradient of padding is 0, which leaves it 0.
HWY_INLINE void update_bias(const AdamStep& adam, const float* left, std::size_t left_panel,
                            std::int64_t n_groups, std::int64_t n_rows, Tensor& bias,
                            std::size_t at) {
  const Floats d;
  for (std::int64_t row = 0; row < n_rows; row += kLanes) {
    HWY_ALIGN float gradients[kLanes] = {};
    const std::int64_t n = std::min<std::int64_t>(kLanes, n_rows - row);
    for (std::int64_t r = 0; r < n; ++r) {
      for (std::int64_t group = 0; group < n_groups; ++group) {
        Vector cells[kVectorsInGroup];
        for (int v = 0; v < kVectorsInGroup; ++v) {
          cells[v] = hn::Load(d, left + group * left_panel + (row + r) * kGroup +
                                     static_cast<std::size_t>(v) * kLanes);
        }
        gradients[r] += sum_of_group(cells);
      }
    }
    update_at(adam, hn::Load(d, gradients), TensorPointers(bias), at + row);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
