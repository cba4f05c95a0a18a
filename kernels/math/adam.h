// Adam's update of one number. Read once for each instruction set: see formulas.h.

#if defined(MASKCLASS_ADAM_H) == defined(MASKCLASS_FORMULAS_TOGGLE)
#ifdef MASKCLASS_ADAM_H
#undef MASKCLASS_ADAM_H
#else
#define MASKCLASS_ADAM_H
#endif

#include "kernels/math/adam_step.h"
#include "kernels/math/formulas.h"

MASKCLASS_BEGIN_FORMULAS

/// Kingma and Ba 2015, Algorithm 1:
///   m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
///   value -= rate * m / (sqrt(v) * correction + epsilon)
/// Square root and quotient are the exact ones of IEEE 754: they run beside the multiply-adds of
/// the gradient, on another unit, where Newton steps from an integer guess, which also give the
/// same bits everywhere, take those very multiply-adds (docs/training-step.md).
template <class Number>
MASKCLASS_FORMULA void adam_update(const AdamStep& adam, Number gradient, Number& value,
                                   Number& first_moment, Number& second_moment) {
  first_moment =
      multiply_add(constant<Number>(adam.beta1_complement), gradient - first_moment, first_moment);
  second_moment = multiply_add(constant<Number>(adam.beta2_complement) * gradient, gradient,
                               constant<Number>(adam.beta2) * second_moment);
  const Number deviation =
      multiply_add(square_root(second_moment), constant<Number>(adam.inverse_correction),
                   constant<Number>(adam.epsilon));
  value = negative_multiply_add(constant<Number>(adam.rate), first_moment / deviation, value);
}

MASKCLASS_END_FORMULAS

#endif
