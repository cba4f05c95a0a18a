#pragma once

#include <string>

namespace maskclass::cpu {

/// Name of the instruction set that the CPU kernels use on this machine, such as "AVX2" or
/// "AVX3" (Highway's name for AVX-512).
std::string instruction_set();

}  // namespace maskclass::cpu
