#pragma once

namespace maskclass::cuda {

/// How the products of the wide layers are computed; everything else is float32.
enum class Precision {
  fp32,
  tf32,  ///< On tensor cores, operands rounded to 10 bits of mantissa; compute capability 8.0.
};

}  // namespace maskclass::cuda
