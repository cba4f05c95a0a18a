#pragma once

#include <stdexcept>
#include <string>

#include "engine/device/device.h"

/// What device.cpp needs of CUDA: cuda.cpp, or no_cuda.cpp in a build without it.
namespace maskclass::gpu {

/// Why a GPU cannot be used, before a job has begun. The message does not say what else there is.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

bool is_built();

/// At least one. Throws Unusable.
std::vector<Gpu> find();

/// Throws Unusable where the GPU cannot run this build's kernels, or not in this precision.
void check(const DeviceOptions& options);

/// Throws Unusable; the backend throws Error{device}.
DeviceBackend make(const ScaledData& data, const NetworkShape& shape,
                   const TrainingOptions& training, const DeviceOptions& options, int n_backends);

}  // namespace maskclass::gpu
