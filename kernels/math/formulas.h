#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/math/host_device.h"

/// The formulas of training (adam.h, silu.h, layer_norm.h) are templates over `Number`: a float on
/// the host and on CUDA, or a vector of floats in the CPU kernels, so that both run the same
/// operations in the same order. They use + - * /, which are exact to rounding everywhere, and the
/// functions below, which kernels/cpu/formulas-inl.h defines for vectors.
///
/// A function on vectors must be compiled for their instruction set, so the headers of formulas are
/// read once for each of these there, between the macros that formulas-inl.h sets. Anywhere else
/// they are ordinary headers with functions in the namespace maskclass.
#ifndef MASKCLASS_BEGIN_FORMULAS
#define MASKCLASS_BEGIN_FORMULAS namespace maskclass {
#define MASKCLASS_END_FORMULAS }
#define MASKCLASS_FORMULA MASKCLASS_HOST_DEVICE inline
#endif

namespace maskclass {

/// The same float in every lane.
template <class Number>
MASKCLASS_HOST_DEVICE inline Number constant(float value) {
  return value;
}

/// a * b + c, rounded once.
MASKCLASS_HOST_DEVICE inline float multiply_add(float a, float b, float c) {
  return fmaf(a, b, c);
}

/// c - a * b, rounded once.
MASKCLASS_HOST_DEVICE inline float negative_multiply_add(float a, float b, float c) {
  return fmaf(-a, b, c);
}

/// The square root of IEEE 754. (nvcc needs -prec-sqrt=true, its default; so for / and -prec-div.)
MASKCLASS_HOST_DEVICE inline float square_root(float x) {
  return sqrtf(x);
}

/// To the nearest whole number, ties to even.
MASKCLASS_HOST_DEVICE inline float round_to_even(float x) {
  return rintf(x);
}

/// x between -limit and limit.
MASKCLASS_HOST_DEVICE inline float clamp_to(float x, float limit) {
  const float above = x > -limit ? x : -limit;
  return above < limit ? above : limit;
}

/// x * 2^n for a whole number n, where x and the result are normal numbers.
MASKCLASS_HOST_DEVICE inline float times_power_of_two(float x, float n) {
  std::int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits += static_cast<std::int32_t>(n) * (1 << 23);
  memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace maskclass
