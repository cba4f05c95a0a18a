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

}  // namespace maskclass
