// LayerNorm and SiLU of one group of cells, forward and backward: the part of a fused
// linear + LayerNorm + SiLU block that follows the product.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_BLOCK_INL_H
#undef MASKCLASS_BLOCK_INL_H
#else
#define MASKCLASS_BLOCK_INL_H
#endif

#include <hwy/highway.h>

#include "kernels/cpu/formulas-inl.h"
#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"
// After formulas-inl.h:
#include "kernels/math/layer_norm.h"
#include "kernels/math/silu.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// Turns the linear outputs of a group, activations.linear, into normalised values, and gives the
/// block's output: y = gain * normalised + shift, output = y * sigmoid(y). The variance is the
/// biased one, from a second pass over the values.
HWY_INLINE void normalise_and_activate(const Block& block, BlockActivations& activations,
                                       std::int64_t group) {
  const Floats d;
  const std::int64_t n_out = block.n_out;
  const std::size_t panel = group * n_out * kGroup;
  for (int v = 0; v < kVectorsInGroup; ++v) {
    const std::size_t lane = static_cast<std::size_t>(v) * kLanes;
    float* HWY_RESTRICT linear = &activations.linear[panel + lane];
    float* HWY_RESTRICT gate = &activations.sigmoid[panel + lane];
    float* HWY_RESTRICT output = &activations.output[panel + lane];
    const Vector inverse_width = hn::Set(d, 1.0f / static_cast<float>(n_out));

    Vector sum = hn::Zero(d);
    for (std::int64_t h = 0; h < n_out; ++h) sum = hn::Add(sum, hn::Load(d, linear + h * kGroup));
    const Vector mean = hn::Mul(sum, inverse_width);
    Vector squares = hn::Zero(d);
    for (std::int64_t h = 0; h < n_out; ++h) {
      const Vector centred = hn::Sub(hn::Load(d, linear + h * kGroup), mean);
      squares = hn::MulAdd(centred, centred, squares);
    }
    const Vector scale = inverse_deviation(squares, inverse_width);
    hn::Store(scale, d, &activations.inverse_deviation[group * kGroup + lane]);

    for (std::int64_t h = 0; h < n_out; ++h) {
      const Vector normalised = normalise(hn::Load(d, linear + h * kGroup), mean, scale);
      const Vector y = gain_and_shift(hn::Set(d, block.gain.value[h]), normalised,
                                      hn::Set(d, block.shift.value[h]));
      const Vector open = sigmoid(y);
      hn::Store(normalised, d, linear + h * kGroup);
      hn::Store(open, d, gate + h * kGroup);
      hn::Store(silu(y, open), d, output + h * kGroup);
    }
  }
}

/// From the gradient of the block's output, in activations.gradient, to the gradient of its linear
/// output, in place, and the group's sums for gain, shift and bias (docs/training-step.md derives
/// them).
HWY_INLINE void backpropagate_block(const Block& block, BlockActivations& activations,
                                    std::int64_t group) {
  const Floats d;
  const std::int64_t n_out = block.n_out;
  const std::size_t panel = group * n_out * kGroup;
  const std::size_t sums = group * padded(n_out);
  Vector mean_gradient[kVectorsInGroup];
  Vector mean_product[kVectorsInGroup];
  for (int v = 0; v < kVectorsInGroup; ++v) {
    mean_gradient[v] = hn::Zero(d);
    mean_product[v] = hn::Zero(d);
  }
  // Through SiLU and the affine part: the gradient of the normalised values, and its two means.
  for (std::int64_t h = 0; h < n_out; ++h) {
    const Vector gain = hn::Set(d, block.gain.value[h]);
    const Vector shift = hn::Set(d, block.shift.value[h]);
    Vector for_gain[kVectorsInGroup];
    Vector for_shift[kVectorsInGroup];
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const std::size_t at = panel + h * kGroup + static_cast<std::size_t>(v) * kLanes;
      const Vector normalised = hn::Load(d, &activations.linear[at]);
      const Vector open = hn::Load(d, &activations.sigmoid[at]);
      const Vector slope = silu_slope(gain_and_shift(gain, normalised, shift), open);
      const Vector dy = hn::Mul(hn::Load(d, &activations.gradient[at]), slope);
      for_shift[v] = dy;
      for_gain[v] = hn::Mul(dy, normalised);
      const Vector dnormalised = hn::Mul(dy, gain);
      hn::Store(dnormalised, d, &activations.gradient[at]);
      mean_gradient[v] = hn::Add(mean_gradient[v], dnormalised);
      mean_product[v] = hn::MulAdd(dnormalised, normalised, mean_product[v]);
    }
    activations.shift_gradient[sums + h] = sum_of_group(for_shift);
    activations.gain_gradient[sums + h] = sum_of_group(for_gain);
  }
  const Vector inverse_width = hn::Set(d, 1.0f / static_cast<float>(n_out));
  for (int v = 0; v < kVectorsInGroup; ++v) {
    mean_gradient[v] = hn::Mul(mean_gradient[v], inverse_width);
    mean_product[v] = hn::Mul(mean_product[v], inverse_width);
  }
  // Through the normalisation.
  for (std::int64_t h = 0; h < n_out; ++h) {
    Vector for_bias[kVectorsInGroup];
    for (int v = 0; v < kVectorsInGroup; ++v) {
      const std::size_t lane = static_cast<std::size_t>(v) * kLanes;
      const std::size_t at = panel + h * kGroup + lane;
      const Vector normalised = hn::Load(d, &activations.linear[at]);
      const Vector scale = hn::Load(d, &activations.inverse_deviation[group * kGroup + lane]);
      for_bias[v] = gradient_of_linear(hn::Load(d, &activations.gradient[at]), normalised, scale,
                                       mean_gradient[v], mean_product[v]);
      hn::Store(for_bias[v], d, &activations.gradient[at]);
    }
    activations.bias_gradient[sums + h] = sum_of_group(for_bias);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
