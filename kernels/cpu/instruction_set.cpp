#include "kernels/cpu/instruction_set.h"

#include "kernels/cpu/phases.h"

namespace maskclass::cpu {

std::string instruction_set() {
  return phases().instruction_set;
}

}  // namespace maskclass::cpu
