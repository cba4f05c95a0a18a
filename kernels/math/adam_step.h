#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/math/host_device.h"

namespace maskclass {

/// Adam's factors of one step of training (Kingma and Ba 2015, Algorithm 1).
struct AdamStep {
  float beta1_complement = 0;  ///< 1 - beta1
  float beta2 = 0;
  float beta2_complement = 0;
  float rate = 0;                ///< learning rate / (1 - beta1^t)
  float inverse_correction = 0;  ///< 1 / sqrt(1 - beta2^t)
  float epsilon = 0;
};

/// base^exponent by squaring. std::pow may differ in the last bit from one C library to another.
MASKCLASS_HOST_DEVICE inline double power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base) {
    if (exponent % 2 == 1) result *= base;
  }
  return result;
}

/// The factors of step `step`, counted from 1 over the whole training. `Options` has
/// learning_rate, beta1, beta2 and epsilon as doubles.
template <class Options>
MASKCLASS_HOST_DEVICE inline AdamStep adam_step(const Options& options, std::int64_t step) {
  AdamStep adam;
  adam.beta1_complement = static_cast<float>(1 - options.beta1);
  adam.beta2 = static_cast<float>(options.beta2);
  adam.beta2_complement = static_cast<float>(1 - options.beta2);
  adam.rate = static_cast<float>(options.learning_rate / (1 - power(options.beta1, step)));
  adam.inverse_correction = static_cast<float>(1 / sqrt(1 - power(options.beta2, step)));
  adam.epsilon = static_cast<float>(options.epsilon);
  return adam;
}

}  // namespace maskclass
