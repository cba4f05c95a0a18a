#pragma once

#include "kernels/cpu/training_state.h"
#include "kernels/parameters.h"

namespace maskclass::cpu {

/// Copies the parameters into the layout of the CPU kernels and clears Adam's moments.
void load_parameters(const Parameters& parameters, Network& network);

/// One array of every tensor (its values or a moment) in the layout of Parameters.
Parameters store_parameters(const Network& network, AlignedFloats Tensor::*array);

}  // namespace maskclass::cpu
