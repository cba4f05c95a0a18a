#pragma once

#include <cstdint>

#include "kernels/parameters.h"

namespace maskclass {

/// Weights and biases from Uniform(-1/sqrt(fan_in), 1/sqrt(fan_in)), gains 1, shifts 0. Draws are
/// Philox words of purpose `initial_weights`: layer 0 to 3 takes the place of the cell, and the
/// flat index ([out][in] of the weight, then the bias) that of the gene, so a weight depends on the
/// seed and its place alone.
Parameters initial_weights(const NetworkShape& shape, std::uint64_t seed);

}  // namespace maskclass
