#include "kernels/cpu/instruction_set.h"

#include <hwy/highway.h>

namespace maskclass::cpu {

std::string instruction_set() {
  // The best target is the lowest bit that is set.
  const std::int64_t supported = hwy::SupportedTargets();
  return hwy::TargetName(supported & -supported);
}

}  // namespace maskclass::cpu
