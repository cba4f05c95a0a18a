// LayerNorm of one cell: what is computed for each of its n hidden units. docs/training-step.md
// derives the gradients. Read once for each instruction set: see formulas.h.

#if defined(MASKCLASS_LAYER_NORM_H) == defined(MASKCLASS_FORMULAS_TOGGLE)
#ifdef MASKCLASS_LAYER_NORM_H
#undef MASKCLASS_LAYER_NORM_H
#else
#define MASKCLASS_LAYER_NORM_H
#endif

#include "kernels/math/formulas.h"

MASKCLASS_BEGIN_FORMULAS

/// 1 / sqrt(variance + 1e-5), of the biased variance sum((a - mean)^2) / n; `inverse_width` is 1/n.
template <class Number>
MASKCLASS_FORMULA Number inverse_deviation(Number sum_of_squares, Number inverse_width) {
  const Number variance = sum_of_squares * inverse_width;
  return constant<Number>(1.0f) / square_root(variance + constant<Number>(1e-5f));
}

/// A linear output, normalised.
template <class Number>
MASKCLASS_FORMULA Number normalise(Number linear, Number mean, Number inverse_deviation_of_cell) {
  return (linear - mean) * inverse_deviation_of_cell;
}

/// LayerNorm's output: gain * normalised + shift.
template <class Number>
MASKCLASS_FORMULA Number gain_and_shift(Number gain, Number normalised, Number shift) {
  return multiply_add(gain, normalised, shift);
}

/// The gradient of a linear output from that of its normalised value, `gradient`; from the mean of
/// these gradients over the units of the cell; and from the mean of gradient * normalised.
template <class Number>
MASKCLASS_FORMULA Number gradient_of_linear(Number gradient, Number normalised,
                                            Number inverse_deviation_of_cell, Number mean_gradient,
                                            Number mean_product) {
  return inverse_deviation_of_cell *
         negative_multiply_add(normalised, mean_product, gradient - mean_gradient);
}

MASKCLASS_END_FORMULAS

#endif
