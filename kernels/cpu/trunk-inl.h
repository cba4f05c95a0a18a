// Phases 2 and 4: the narrow middle of the network, one group of cells at a time.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_TRUNK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_TRUNK_INL_H
#undef MASKCLASS_TRUNK_INL_H
#else
#define MASKCLASS_TRUNK_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/adam-inl.h"
#include "kernels/cpu/block-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"
#include "kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// The partial sums of a group that the slices left, in their order.
struct Parts {
  HWY_INLINE Parts(const TrainingState& state, std::int64_t group) {
    for (std::int32_t slice = 0; slice < state.slices.count; ++slice) {
      if (state.has_partial[slice] != 0) {
        ends_run[count] = false;
        at[count++] = &state.partial[state.partial_offset(slice, group)];
      }
      const std::int32_t next = slice + 1;
      if (next == state.slices.count || next == Slices::first_of_run(next)) {
        ends_run[count - 1] = true;
      }
    }
  }

  int count = 0;
  const float* at[Slices::kMost];
  bool ends_run[Slices::kMost];  ///< whether it is the last of a run of slices
};

/// sums += the parts from `at` on: those of a run of slices, then the runs.
template <int kVectors>
HWY_INLINE void add_parts(const Parts& parts, std::int64_t at, Vector (&sums)[kVectors]) {
  const Floats d;
  Vector of_run[kVectors];
  for (Vector& sum : of_run) sum = hn::Zero(d);
  for (int part = 0; part < parts.count; ++part) {
    const float* HWY_RESTRICT from = parts.at[part] + at;
    for (int v = 0; v < kVectors; ++v) {
      of_run[v] = hn::Add(of_run[v], hn::Load(d, from + static_cast<std::int64_t>(v) * kLanes));
    }
    if (!parts.ends_run[part]) continue;
    for (int v = 0; v < kVectors; ++v) {
      sums[v] = hn::Add(sums[v], of_run[v]);
      of_run[v] = hn::Zero(d);
    }
  }
}

/// to[at] = start(at) + the slices' partial sums of a group, n_rows of 16.
template <class Start>
HWY_INLINE void sum_partials(const TrainingState& state, std::int64_t group, std::int64_t n_rows,
                             const Start& start, float* HWY_RESTRICT to) {
  const Floats d;
  const Parts parts(state, group);
  const auto sum_rows = [&](auto vectors, std::int64_t at) MASKCLASS_TILE {
    Vector sums[vectors.value];
    for (int v = 0; v < vectors.value; ++v) {
      sums[v] = start(at + static_cast<std::int64_t>(v) * kLanes);
    }
    add_parts(parts, at, sums);
    for (int v = 0; v < vectors.value; ++v) {
      hn::Store(sums[v], d, to + at + static_cast<std::int64_t>(v) * kLanes);
    }
  };
  std::int64_t row = 0;
  for (; row + 2 <= n_rows; row += 2) sum_rows(Constant<2 * kVectorsInGroup>(), row * kGroup);
  if (row < n_rows) sum_rows(Constant<kVectorsInGroup>(), row * kGroup);
}

/// panel[hidden][16 cells] = start[hidden], or 0 where that is null, + the slices' partial sums of
/// a group, which lie like the panel or by cell.
HWY_INLINE void sum_to_panel(TrainingState& state, std::int64_t group, bool by_cell,
                             const float* start, float* HWY_RESTRICT panel) {
  const Floats d;
  const std::int64_t hidden = state.network.shape.hidden;
  if (!by_cell) {
    sum_partials(
        state, group, hidden,
        [=](std::int64_t at) MASKCLASS_TILE {
          return start == nullptr ? hn::Zero(d) : hn::Set(d, start[at / kGroup]);
        },
        panel);
    return;
  }
  const std::int64_t width = padded(hidden);
  float* HWY_RESTRICT rows = &state.by_cell[group * kGroup * width];
  sum_partials(
      state, group, width,
      [=](std::int64_t at) MASKCLASS_TILE {
        return start == nullptr ? hn::Zero(d) : hn::Load(d, start + at % width);
      },
      rows);
  for (std::int64_t cell = 0; cell < kGroup; ++cell) {
    for (std::int64_t h = 0; h < hidden; ++h) panel[h * kGroup + cell] = rows[cell * width + h];
  }
}

/// out[row][16] = start[row] + sum over steps of left(row, step) * in[step][16], for one group.
HWY_INLINE void multiply_group(const Factor& left, const float* in, std::int64_t n_steps,
                               std::int64_t n_rows, const float* start, float* out) {
  for_each_tile(n_rows, kVectorsInGroup,
                [=](auto rows, auto vectors, std::int64_t row, int vector) MASKCLASS_TILE {
                  Vector sums[rows.value][vectors.value];
                  const Factor rows_of_left{left.at + row * left.row_stride, left.row_stride,
                                            left.step_stride};
                  affine(rows_of_left, start == nullptr ? nullptr : start + row, in, 0, vector,
                         n_steps, sums);
                  store_tile(sums, out + row * kGroup, 0, vector);
                });
}

/// Phase 2. The first block's linear output is the sum of the slices' parts.
inline void trunk_forward(TrainingState& state, const Batch& batch, std::int64_t group) {
  for (int b = 0; b < 3; ++b) {
    const Block& block = state.network.blocks[b];
    BlockActivations& activations = state.activations[b];
    float* linear = &activations.linear[group * block.n_out * kGroup];
    if (b == 0) {
      sum_to_panel(state, group, batch.sparse_input, block.bias.value.data(), linear);
    } else {
      const float* in = &state.activations[b - 1].output[group * block.n_in * kGroup];
      const Factor weight{block.weight.value.data(), static_cast<std::size_t>(padded(block.n_in)),
                          1};
      multiply_group(weight, in, block.n_in, block.n_out, block.bias.value.data(), linear);
    }
    normalise_and_activate(block, activations, group);
    transpose_group(&activations.output[group * block.n_out * kGroup], block.n_out, group,
                    state.unit_panel(), activations.output_transposed.data());
  }
}

/// Phase 4: gradients of the three linear outputs and of the small parameters.
inline void trunk_backward(TrainingState& state, const Batch& /*batch*/, std::int64_t group) {
  for (int b = 2; b >= 0; --b) {
    const Block& block = state.network.blocks[b];
    BlockActivations& activations = state.activations[b];
    float* gradient = &activations.gradient[group * block.n_out * kGroup];
    if (b == 2) {
      sum_to_panel(state, group, state.sparse_output, nullptr, gradient);
    } else {
      const Block& next = state.network.blocks[b + 1];
      const float* in = &state.activations[b + 1].gradient[group * next.n_out * kGroup];
      const Factor transposed{next.weight.value.data(), 1,
                              static_cast<std::size_t>(padded(next.n_in))};
      multiply_group(transposed, in, next.n_out, block.n_out, nullptr, gradient);
    }
    backpropagate_block(block, activations, group);
  }
  const Block& first = state.network.blocks[0];
  transpose_group(&state.activations[0].gradient[group * first.n_out * kGroup], first.n_out, group,
                  state.unit_panel(), state.encoder_gradient.data());
}

/// Adam for an array of one value a row, from sums over groups [group][stride].
HWY_INLINE void update_vector(const Batch& batch, const AlignedFloats& gradients, Tensor& tensor) {
  const Floats d;
  const std::size_t n = tensor.value.size();
  for (std::size_t at = 0; at < n; at += kLanes) {
    Vector sum = hn::Zero(d);
    for (std::int64_t group = 0; group < batch.n_groups; ++group) {
      sum = hn::Add(sum, hn::Load(d, &gradients[group * n + at]));
    }
    update_at(batch.adam, sum, TensorPointers(tensor), at);
  }
}

/// Part of phase 5: the update of block `b`'s small arrays and, but for the first block, whose
/// weights belong to the slices, of its weights.
inline void update_trunk(TrainingState& state, const Batch& batch, int b) {
  Block& block = state.network.blocks[b];
  const BlockActivations& activations = state.activations[b];
  if (b > 0) {
    update_weights(batch.adam, activations.gradient.data(),
                   static_cast<std::size_t>(block.n_out) * kGroup,
                   state.activations[b - 1].output_transposed.data(), batch.n_groups,
                   state.unit_panel(), 0, block.n_out, padded(block.n_in), block.weight);
  }
  update_vector(batch, activations.bias_gradient, block.bias);
  update_vector(batch, activations.gain_gradient, block.gain);
  update_vector(batch, activations.shift_gradient, block.shift);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
