// Phases 1, 3 and 5 where most entries of a batch are zeros: the two wide layers again, over what
// is not constant. Compiled once an instruction set: see phases.cpp.
//
// A zero's scaled value is -1 for every gene, so a cell is a constant vector plus one term for each
// entry that is not a plain zero, and with gamma = 0 only masked entries have a loss. The lanes are
// hidden units here, since neighbouring cells have other non-zeros: a slice's partial sums lie
// [cell][units].

#if defined(MASKCLASS_SPARSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_SPARSE_INL_H
#undef MASKCLASS_SPARSE_INL_H
#else
#define MASKCLASS_SPARSE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/adam-inl.h"
#include "kernels/cpu/gather-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// Calls block(Constant<vectors>, first unit) for runs of 64 and then 16 units of a padded width:
/// as many as leave registers for sums over them.
template <class Block>
HWY_INLINE void for_each_unit_block(std::int64_t width, const Block& block) {
  constexpr std::int64_t kUnits = std::int64_t{4} * kGroup;
  std::int64_t unit = 0;
  for (; unit + kUnits <= width; unit += kUnits) {
    block(Constant<4 * kVectorsInGroup>(), unit);
  }
  for (; unit < width; unit += kGroup) block(Constant<kVectorsInGroup>(), unit);
}

/// Where a slice's partial sums go: to its own place, or, where the first slice of its run is the
/// same thread's, in addition to that one's.
struct PartialSums {
  float* at;
  bool adds;
};
HWY_INLINE PartialSums partial_sums(TrainingState& state, const Batch& batch, std::int32_t slice) {
  const std::int32_t first_of_run = Slices::first_of_run(slice);
  const bool adds = first_of_run < slice && first_of_run >= batch.first_slice;
  state.set_has_partial(slice, !adds);
  return {&state.partial[state.partial_offset(adds ? first_of_run : slice, 0)], adds};
}

/// Sets, or adds to what lies there, `vectors` vectors of units.
template <int kVectors>
HWY_INLINE void put_units(const Vector (&units)[kVectors], bool adds, float* HWY_RESTRICT to) {
  const Floats d;
  for (int k = 0; k < kVectors; ++k) {
    float* at = to + static_cast<std::int64_t>(k) * kLanes;
    hn::Store(adds ? hn::Add(hn::Load(d, at), units[k]) : units[k], d, at);
  }
}

/// Phase 1, last part: partial[cell][units] = minus the sum of the slice's weights, and the weights
/// of each entry that is no plain zero times its distance from the zero, gene by gene.
inline void encode_nonzeros(TrainingState& state, Batch& batch, std::int32_t slice) {
  const Floats d;
  const std::int64_t width = padded(state.network.shape.hidden);
  const float* HWY_RESTRICT weights = state.network.blocks[0].weight.value.data();
  const float* HWY_RESTRICT weight_sum = &state.weight_sum[slice * width];
  const PartialSums to = partial_sums(state, batch, slice);
  std::uint32_t* HWY_RESTRICT bits = batch.nonzeros_of_cell.data();
  const std::int64_t first = state.slices.begin(slice);
  const std::int64_t n_units = (state.slices.size(slice) + Slices::kUnit - 1) / Slices::kUnit;
  const std::int64_t n_cells = batch.n_groups * kGroup;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (std::int64_t unit = 0; unit < n_units; ++unit) {
      bits[cell * n_units + unit] = bits_of_unit(batch.stored[cell], first + unit * Slices::kUnit);
    }
  }
  for (const BatchEntry& zero : state.masked_zeros[slice]) {
    const std::int64_t gene = zero.gene - first;
    bits[zero.cell * n_units + gene / Slices::kUnit] |= 1u << gene % Slices::kUnit;
  }
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    const float* HWY_RESTRICT input =
        &state.input[state.panel_offset(cell / kGroup)] + cell % kGroup;
    for_each_unit_block(width, [=](auto vectors, std::int64_t hidden) MASKCLASS_TILE {
      Vector sums[vectors.value];
      for (int k = 0; k < vectors.value; ++k) {
        sums[k] = hn::Neg(hn::Load(d, weight_sum + hidden + static_cast<std::int64_t>(k) * kLanes));
      }
      for (std::int64_t unit = 0; unit < n_units; ++unit) {
        for (std::uint32_t genes = bits[cell * n_units + unit]; genes != 0; genes &= genes - 1) {
          const std::int64_t gene = first + unit * Slices::kUnit + __builtin_ctz(genes);
          const Vector distance = hn::Set(d, input[gene * kGroup] - kScaledZero);
          const float* HWY_RESTRICT row = weights + gene * width + hidden;
          for (int k = 0; k < vectors.value; ++k) {
            sums[k] = hn::MulAdd(distance, hn::Load(d, row + static_cast<std::int64_t>(k) * kLanes),
                                 sums[k]);
          }
        }
      }
      put_units(sums, to.adds, to.at + cell * width + hidden);
    });
  }
}

/// Part of phase 5: the slice's weights of the first block, and their new sum. The gradient is
/// minus the sum over all cells, which is minus that of the bias, and for each entry that is no
/// plain zero its distance from the zero times the cell's gradient.
inline void update_encoder_nonzeros(TrainingState& state, const Batch& batch, std::int32_t slice) {
  const Floats d;
  Block& block = state.network.blocks[0];
  const std::int64_t width = padded(block.n_out);
  const std::int64_t n_genes = state.network.shape.n_genes;
  const std::int64_t n_groups = batch.n_groups;
  const std::int64_t first = state.slices.begin(slice);
  const std::int64_t end = state.slices.end(slice);
  const std::size_t unit_panel = state.unit_panel();
  const std::size_t panel = state.panel();
  const float* HWY_RESTRICT input = state.input.data();
  const float* HWY_RESTRICT gradient = state.encoder_gradient.data();
  const float* HWY_RESTRICT bias_gradient = state.activations[0].bias_gradient.data();
  const std::uint16_t* HWY_RESTRICT nonzeros = state.nonzeros.data();
  float* HWY_RESTRICT weight_sum = &state.weight_sum[slice * width];
  const TensorPointers tensor(block.weight);
  const AdamStep adam = batch.adam;
  for_each_unit_block(width, [=](auto vectors, std::int64_t unit) MASKCLASS_TILE {
    Vector of_all[vectors.value];
    Vector total[vectors.value];
    for (int k = 0; k < vectors.value; ++k) {
      const float* bias = bias_gradient + unit + static_cast<std::int64_t>(k) * kLanes;
      of_all[k] = hn::Zero(d);
      for (std::int64_t group = 0; group < n_groups; ++group) {
        of_all[k] = hn::Sub(of_all[k], hn::Load(d, bias + group * width));
      }
      total[k] = hn::Zero(d);
    }
    const float* HWY_RESTRICT rows = gradient + (unit / kGroup) * unit_panel;
    for (std::int64_t gene = first; gene < end; ++gene) {
      Vector sums[vectors.value];
      for (int k = 0; k < vectors.value; ++k) sums[k] = of_all[k];
      for (std::int64_t group = 0; group < n_groups; ++group) {
        const float* HWY_RESTRICT column = input + group * panel + gene * kGroup;
        for (std::uint32_t cells = nonzeros[group * n_genes + gene]; cells != 0;
             cells &= cells - 1) {
          const std::int64_t cell = __builtin_ctz(cells);
          const Vector distance = hn::Set(d, column[cell] - kScaledZero);
          const float* HWY_RESTRICT row = rows + (group * kGroup + cell) * kGroup;
          for (int k = 0; k < vectors.value; ++k) {
            sums[k] =
                hn::MulAdd(distance, hn::Load(d, row + vector_offset(k, unit_panel)), sums[k]);
          }
        }
      }
      MASKCLASS_UNROLL(16)
      for (int k = 0; k < vectors.value; ++k) {
        const Vector value = update_at(adam, sums[k], tensor,
                                       gene * width + unit + static_cast<std::int64_t>(k) * kLanes);
        total[k] = hn::Add(total[k], value);
      }
    }
    for (int k = 0; k < vectors.value; ++k) {
      hn::Store(total[k], d, weight_sum + unit + static_cast<std::int64_t>(k) * kLanes);
    }
  });
}

/// Phase 3 with gamma = 0: the output, loss and gradients of the slice's masked entries, and the
/// update of its output weights. partial[cell][units] becomes the slice's part of the gradient of
/// the last block's output.
inline void decode_masked(TrainingState& state, Batch& batch, std::int32_t slice) {
  const Floats d;
  const std::int64_t width = padded(state.network.shape.hidden);
  const std::int64_t n_genes = state.network.shape.n_genes;
  const std::int64_t first = state.slices.begin(slice);
  const std::int64_t end = state.slices.end(slice);
  const std::size_t unit_panel = state.unit_panel();
  const float* HWY_RESTRICT activation = state.activations[2].output_transposed.data();
  const float* HWY_RESTRICT weights = state.network.output_weight.value.data();
  const std::size_t bias_at = slice * padded(state.slices.width);
  const float masked_factor = static_cast<float>(2 * batch.loss_scale.masked);
  const std::size_t n_cells = static_cast<std::size_t>(batch.n_groups) * kGroup;
  float* HWY_RESTRICT partial = batch.gradient_of_cell.data();
  float* HWY_RESTRICT masked_loss = &state.loss_of_cells[state.loss_offset(slice)];
  float* HWY_RESTRICT row_gradient = batch.row_gradient.data();
  float* HWY_RESTRICT bias_gradient = batch.bias_gradient.data();
  std::fill_n(partial, n_cells * width, 0.0f);
  std::fill_n(masked_loss, n_cells, 0.0f);
  std::fill(batch.bias_gradient.begin(), batch.bias_gradient.end(), 0.0f);
  const TensorPointers tensor(state.network.output_weight);
  const AdamStep adam = batch.adam;

  for (std::int64_t gene = first; gene < end; ++gene) {
    const float* HWY_RESTRICT row = weights + gene * width;
    const float bias = state.network.output_bias.value[bias_at + gene - first];
    std::fill_n(row_gradient, width, 0.0f);
    for (std::int64_t group = 0; group < batch.n_groups; ++group) {
      for (std::uint32_t cells = state.masked[group * n_genes + gene]; cells != 0;
           cells &= cells - 1) {
        const std::int64_t lane = __builtin_ctz(cells);
        const std::int64_t cell = group * kGroup + lane;
        const float* HWY_RESTRICT hidden = activation + cell * kGroup;
        Vector products[kVectorsInGroup];
        for (Vector& product : products) product = hn::Zero(d);
        for (std::int64_t unit = 0; unit < width; unit += kGroup) {
          const float* HWY_RESTRICT units = hidden + (unit / kGroup) * unit_panel;
          for (int v = 0; v < kVectorsInGroup; ++v) {
            products[v] = hn::MulAdd(hn::Load(d, row + unit + vector_offset(v, 0)),
                                     hn::Load(d, units + vector_offset(v, 0)), products[v]);
          }
        }
        const std::size_t at = state.panel_offset(group) + gene * kGroup + lane;
        const float residual = bias + sum_of_group(products) - state.target[at];
        const float weighted = state.mask_weight[at] * residual;
        masked_loss[cell] += weighted * residual;
        const float gradient = weighted * masked_factor;
        bias_gradient[gene - first] += gradient;
        const Vector factor = hn::Set(d, gradient);
        float* HWY_RESTRICT back = partial + cell * width;
        for (std::int64_t unit = 0; unit < width; unit += kGroup) {
          const float* HWY_RESTRICT units = hidden + (unit / kGroup) * unit_panel;
          for (int v = 0; v < kVectorsInGroup; ++v) {
            const std::size_t k = unit + vector_offset(v, 0);
            hn::Store(hn::MulAdd(factor, hn::Load(d, units + vector_offset(v, 0)),
                                 hn::Load(d, row_gradient + k)),
                      d, row_gradient + k);
            hn::Store(hn::MulAdd(factor, hn::Load(d, row + k), hn::Load(d, back + k)), d, back + k);
          }
        }
      }
    }
    for (std::int64_t unit = 0; unit < width; unit += kLanes) {
      update_at(adam, hn::Load(d, row_gradient + unit), tensor, gene * width + unit);
    }
  }
  const TensorPointers output_bias(state.network.output_bias);
  for (std::int64_t row = 0; row < padded(end - first); row += kLanes) {
    update_at(adam, hn::Load(d, bias_gradient + row), output_bias, bias_at + row);
  }
  const PartialSums to = partial_sums(state, batch, slice);
  for (std::size_t at = 0; at < n_cells * width; at += kGroup) {
    Vector units[kVectorsInGroup];
    for (int v = 0; v < kVectorsInGroup; ++v) {
      units[v] = hn::Load(d, partial + at + vector_offset(v, 0));
    }
    put_units(units, to.adds, to.at + at);
  }
  SliceSums& sums = state.sums[slice];
  for (std::size_t cell = 0; cell < n_cells; ++cell) {
    sums.masked_loss += static_cast<double>(masked_loss[cell]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
