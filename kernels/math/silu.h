// SiLU, y * sigmoid(y). Read once for each instruction set: see formulas.h.

#if defined(MASKCLASS_SILU_H) == defined(MASKCLASS_FORMULAS_TOGGLE)
#ifdef MASKCLASS_SILU_H
#undef MASKCLASS_SILU_H
#else
#define MASKCLASS_SILU_H
#endif

#include "kernels/math/formulas.h"

MASKCLASS_BEGIN_FORMULAS

/// exp(x) for |x| <= 87: 2^n times a polynomial of degree 6 in the rest, |rest| <= ln(2) / 2. The
/// two constants that are subtracted add up to ln(2); the first is short, so its multiples by n are
/// exact.
template <class Number>
MASKCLASS_FORMULA Number exponential(Number x) {
  const Number n = round_to_even(x * constant<Number>(1.44269504f));
  Number rest = negative_multiply_add(n, constant<Number>(0.693359375f), x);
  rest = negative_multiply_add(n, constant<Number>(-2.12194440e-4f), rest);
  Number p = constant<Number>(1.0f / 720);
  p = multiply_add(p, rest, constant<Number>(1.0f / 120));
  p = multiply_add(p, rest, constant<Number>(1.0f / 24));
  p = multiply_add(p, rest, constant<Number>(1.0f / 6));
  p = multiply_add(p, rest, constant<Number>(0.5f));
  p = multiply_add(p, rest, constant<Number>(1.0f));
  p = multiply_add(p, rest, constant<Number>(1.0f));
  return times_power_of_two(p, n);
}

/// 1 / (1 + exp(-x)). Beyond |x| = 87, where float32 has it at 0 or 1, x counts as that.
template <class Number>
MASKCLASS_FORMULA Number sigmoid(Number x) {
  const Number one = constant<Number>(1.0f);
  return one / (one + exponential(clamp_to(constant<Number>(0.0f) - x, 87.0f)));
}

/// y * sigmoid(y), where the caller has the sigmoid, which serves the way back too.
template <class Number>
MASKCLASS_FORMULA Number silu(Number y, Number sigmoid_of_y) {
  return y * sigmoid_of_y;
}

/// Its derivative: sigmoid(y) (1 + y (1 - sigmoid(y))).
template <class Number>
MASKCLASS_FORMULA Number silu_slope(Number y, Number sigmoid_of_y) {
  const Number one = constant<Number>(1.0f);
  return sigmoid_of_y * multiply_add(y, one - sigmoid_of_y, one);
}

MASKCLASS_END_FORMULAS

#endif
