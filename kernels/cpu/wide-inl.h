// Phases 1, 3 and 5: the two wide layers, one slice of genes at a time.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_WIDE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_WIDE_INL_H
#undef MASKCLASS_WIDE_INL_H
#else
#define MASKCLASS_WIDE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/adam-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/sparse-inl.h"
#include "kernels/cpu/training_state.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// partial[group][hidden][16] of a slice = weight[gene][hidden]^T * panel[group][gene][16].
HWY_INLINE void multiply_by_weight(TrainingState& state, const Batch& batch, std::int32_t slice,
                                   const Tensor& weight, const AlignedFloats& panels) {
  const std::int64_t hidden = state.network.shape.hidden;
  const std::size_t width = padded(hidden);
  const std::size_t partial_panel = width * kGroup;
  const float* weights = &weight.value[state.slices.begin(slice) * width];
  const float* panel = &panels[state.slice_offset(slice)];
  const PartialSums to = partial_sums(state, batch, slice);
  const std::int64_t n_genes = state.slices.size(slice);
  const std::size_t panel_stride = state.panel();
  for_each_tile(
      hidden, static_cast<int>(batch.n_groups * kVectorsInGroup),
      [=](auto rows, auto vectors, std::int64_t row, int vector) MASKCLASS_TILE {
        Vector sums[rows.value][vectors.value];
        clear(sums);
        multiply_add(Factor{weights + row, 1, width}, panel, panel_stride, vector, n_genes, sums);
        if (to.adds) {
          add_tile(sums, to.at + row * kGroup, partial_panel, vector);
        } else {
          store_tile(sums, to.at + row * kGroup, partial_panel, vector);
        }
      });
}

/// Phase 1, second half.
inline void encode_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  if (batch.sparse_input) {
    encode_nonzeros(state, batch, slice);
    return;
  }
  multiply_by_weight(state, batch, slice, state.network.blocks[0].weight, state.input);
}

/// Phase 3, first part: the output of the slice's genes, the loss, and the loss's gradient with
/// respect to the output, which takes the target's place. For every entry that counts, the
/// residual of both terms of the loss is output - target, since a zero's target is its scaled zero.
template <bool kWithBiozero>
HWY_INLINE void output_and_loss(TrainingState& state, const Batch& batch, std::int32_t slice) {
  const Floats d;
  const std::int64_t hidden = state.network.shape.hidden;
  const std::size_t width = padded(hidden);
  const std::int32_t first = state.slices.begin(slice);
  const float* weights = &state.network.output_weight.value[first * width];
  const float* bias = &state.network.output_bias.value[slice * padded(state.slices.width)];
  const std::size_t offset = state.slice_offset(slice);
  float* target = &state.target[offset];
  const float* mask_weights = &state.mask_weight[offset];
  const float* biozeros = kWithBiozero ? &state.biozero[offset] : nullptr;
  const Vector masked_factor = hn::Set(d, static_cast<float>(2 * batch.loss_scale.masked));
  const Vector biozero_factor =
      hn::Set(d, static_cast<float>(2 * batch.loss_scale.biozero * state.options.biozero_weight));
  const std::size_t n_cells = static_cast<std::size_t>(batch.n_groups) * kGroup;
  float* masked_loss = &state.loss_of_cells[state.loss_offset(slice)];
  float* biozero_loss = masked_loss + n_cells;
  std::fill_n(masked_loss, 2 * n_cells, 0.0f);

  const std::size_t panel_stride = state.panel();
  const float* activation = state.activations[2].output.data();
  for_each_tile(state.slices.size(slice), static_cast<int>(batch.n_groups * kVectorsInGroup),
                [=](auto rows, auto vectors, std::int64_t row, int vector) MASKCLASS_TILE {
                  Vector out[rows.value][vectors.value];
                  affine(Factor{weights + row * width, width, 1}, bias + row, activation,
                         static_cast<std::size_t>(hidden) * kGroup, vector, hidden, out);
                  for (int v = 0; v < vectors.value; ++v) {
                    const std::size_t cells = static_cast<std::size_t>(vector + v) * kLanes;
                    const std::size_t column =
                        row * kGroup + vector_offset(vector + v, panel_stride);
                    Vector masked_sum = hn::Load(d, masked_loss + cells);
                    Vector biozero_sum = hn::Load(d, biozero_loss + cells);
                    for (int r = 0; r < rows.value; ++r) {
                      const std::size_t at = column + static_cast<std::size_t>(r) * kGroup;
                      const Vector residual = hn::Sub(out[r][v], hn::Load(d, target + at));
                      const Vector mask_weight = hn::Load(d, mask_weights + at);
                      masked_sum = hn::MulAdd(hn::Mul(mask_weight, residual), residual, masked_sum);
                      Vector factor = hn::Mul(mask_weight, masked_factor);
                      if constexpr (kWithBiozero) {
                        const Vector biozero = hn::Load(d, biozeros + at);
                        biozero_sum = hn::MulAdd(hn::Mul(biozero, residual), residual, biozero_sum);
                        factor = hn::MulAdd(biozero, biozero_factor, factor);
                      }
                      hn::Store(hn::Mul(factor, residual), d, target + at);
                    }
                    hn::Store(masked_sum, d, masked_loss + cells);
                    hn::Store(biozero_sum, d, biozero_loss + cells);
                  }
                });
  SliceSums& sums = state.sums[slice];
  for (std::size_t cell = 0; cell < n_cells; ++cell) {
    sums.masked_loss += static_cast<double>(masked_loss[cell]);
    sums.biozero_loss += static_cast<double>(biozero_loss[cell]);
  }
}

/// Phase 3, last part: the slice's output weights and biases, from the gradient of the output.
HWY_INLINE void update_output(TrainingState& state, const Batch& batch, std::int32_t slice) {
  const std::int32_t first = state.slices.begin(slice);
  const std::int32_t n_genes = state.slices.size(slice);
  const std::size_t width = padded(state.network.shape.hidden);
  const float* gradient = &state.target[state.slice_offset(slice)];
  update_weights(batch.adam, gradient, state.panel(), state.activations[2].output_transposed.data(),
                 batch.n_groups, state.unit_panel(), first, n_genes, width,
                 state.network.output_weight);
  update_bias(batch.adam, gradient, state.panel(), batch.n_groups, n_genes,
              state.network.output_bias, slice * padded(state.slices.width));
}

/// Phase 3. The gradient that goes back through the output weights uses them before their update.
inline void decode_slice(TrainingState& state, Batch& batch, std::int32_t slice) {
  if (state.sparse_output) {
    decode_masked(state, batch, slice);
    return;
  }
  if (state.options.biozero_weight != 0) {
    output_and_loss<true>(state, batch, slice);
  } else {
    output_and_loss<false>(state, batch, slice);
  }
  multiply_by_weight(state, batch, slice, state.network.output_weight, state.target);
  update_output(state, batch, slice);
}

/// Part of phase 5: the slice's weights of the first block.
inline void update_encoder(TrainingState& state, const Batch& batch, std::int32_t slice) {
  if (batch.sparse_input) {
    update_encoder_nonzeros(state, batch, slice);
    return;
  }
  update_weights(batch.adam, &state.input[state.slice_offset(slice)], state.panel(),
                 state.encoder_gradient.data(), batch.n_groups, state.unit_panel(),
                 state.slices.begin(slice), state.slices.size(slice),
                 padded(state.network.shape.hidden), state.network.blocks[0].weight);
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
