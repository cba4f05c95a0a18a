#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/math/host_device.h"

namespace maskclass {

/// log2(1 + x) for x >= 0 in float32, the same bits on every machine: no function of the C library
/// is used but fma, which is exact. The argument becomes 2^e (1 + f) with |f| <= 0.4143, and
/// ln(1 + f) = 2 atanh(f / (2 + f)), of which five terms of the series leave less than 2^-24.
MASKCLASS_HOST_DEVICE inline float log2_of_one_plus(float x) {
  const float argument = 1.0f + x;
  const float lost = x - (argument - 1.0f);  // by rounding; it counts where x is small
  std::uint32_t bits;
  std::memcpy(&bits, &argument, sizeof bits);
  const std::uint32_t exponent = (bits - 0x3F3504F3u) >> 23;  // 0x3F3504F3 is sqrt(1/2)
  const std::uint32_t mantissa_bits = bits - (exponent << 23);
  float mantissa;
  std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const float f = mantissa - 1.0f;
  const float t = f / (2.0f + f);
  const float t2 = t * t;
  float series = 1.0f / 11.0f;
  series = std::fma(series, t2, 1.0f / 9.0f);
  series = std::fma(series, t2, 1.0f / 7.0f);
  series = std::fma(series, t2, 1.0f / 5.0f);
  series = std::fma(series, t2, 1.0f / 3.0f);
  const float logarithm = std::fma(2.0f * t * t2, series, 2.0f * t) + lost / argument;
  return std::fma(logarithm, 1.44269504f, static_cast<float>(exponent));
}

/// log2(x) for finite x >= 1 in float64, the same bits on every machine: no function of the C
/// library, and no fused multiply-add, since not every processor has one. Within 4 x 2^-53 of the
/// exact logarithm, relatively, so that the result rounded to float32 is the nearest but for about
/// one value in 10^8. As above, x = 2^e (1 + f) and ln(1 + f) = 2 atanh(t), t = f / (2 + f), here
/// with eleven terms of the series, whose rest is below 2^-60; they are summed in pairs.
MASKCLASS_HOST_DEVICE inline double log2_from_one(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const std::uint64_t exponent = (bits - 0x3FE6A09E667F3BCDull) >> 52;  // of sqrt(1/2)
  const std::uint64_t mantissa_bits = bits - (exponent << 52);
  double mantissa;
  std::memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const double f = mantissa - 1.0;
  const double t = f / (2.0 + f);
  const double t2 = t * t;
  const double t4 = t2 * t2;
  const double t8 = t4 * t4;
  const double low = (1.0 / 3 + 1.0 / 5 * t2) + (1.0 / 7 + 1.0 / 9 * t2) * t4;
  const double middle = (1.0 / 11 + 1.0 / 13 * t2) + (1.0 / 15 + 1.0 / 17 * t2) * t4;
  const double high = 1.0 / 19 + 1.0 / 21 * t2;
  const double series = (low + middle * t8) + high * (t8 * t8);
  const double first = 2.8853900817779268 * t;  // 2 / ln 2
  return static_cast<double>(static_cast<int>(exponent)) + (first + first * (t2 * series));
}

}  // namespace maskclass
