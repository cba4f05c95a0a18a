#include "engine/device/cuda.h"

namespace maskclass::gpu {
namespace {

const char* const kNotBuilt =
    "this build has no CUDA backend: build with the CUDA Toolkit installed (-DMASKCLASS_CUDA=ON)";

}  // namespace

bool is_built() {
  return false;
}

std::vector<Gpu> find() {
  throw Unusable(kNotBuilt);
}

void check(const DeviceOptions& /*options*/) {
  throw Unusable(kNotBuilt);
}

DeviceBackend make(const ScaledData& /*data*/, const NetworkShape& /*shape*/,
                   const TrainingOptions& /*training*/, const DeviceOptions& /*options*/,
                   int /*n_backends*/) {
  throw Unusable(kNotBuilt);
}

}  // namespace maskclass::gpu
