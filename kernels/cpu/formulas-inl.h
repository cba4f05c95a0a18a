// What the formulas of kernels/math do to vectors: kernels/math/formulas.h has the floats.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_FORMULAS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_FORMULAS_INL_H
#undef MASKCLASS_FORMULAS_INL_H
#else
#define MASKCLASS_FORMULAS_INL_H
#endif

#include <hwy/highway.h>

// The headers of formulas are read once for each instruction set, too.
#undef MASKCLASS_FORMULAS_TOGGLE
#ifdef HWY_TARGET_TOGGLE
#define MASKCLASS_FORMULAS_TOGGLE
#endif
#ifndef MASKCLASS_BEGIN_FORMULAS
#define MASKCLASS_BEGIN_FORMULAS \
  HWY_BEFORE_NAMESPACE();        \
  namespace maskclass::cpu::HWY_NAMESPACE {
#define MASKCLASS_END_FORMULAS \
  }                            \
  HWY_AFTER_NAMESPACE();
#define MASKCLASS_FORMULA HWY_INLINE
#endif

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

template <class Number>
HWY_INLINE Number constant(float value) {
  return hn::Set(Floats(), value);
}

HWY_INLINE Vector multiply_add(Vector a, Vector b, Vector c) {
  return hn::MulAdd(a, b, c);
}

HWY_INLINE Vector negative_multiply_add(Vector a, Vector b, Vector c) {
  return hn::NegMulAdd(a, b, c);
}

HWY_INLINE Vector square_root(Vector x) {
  return hn::Sqrt(x);
}

HWY_INLINE Vector round_to_even(Vector x) {
  return hn::Round(x);
}

HWY_INLINE Vector clamp_to(Vector x, float limit) {
  const Vector upper = hn::Set(Floats(), limit);
  return hn::Min(hn::Max(x, hn::Neg(upper)), upper);
}

HWY_INLINE Vector times_power_of_two(Vector x, Vector n) {
  const Floats d;
  const hn::RebindToSigned<Floats> integers;
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(integers, n));
  return hn::BitCast(d, hn::Add(hn::BitCast(integers, x), exponent));
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
