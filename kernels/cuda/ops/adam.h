#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda/memory/training_memory.h"
#include "kernels/math/adam_step.h"

namespace maskclass::cuda {

/// One step of Adam for `n` numbers whose gradients lie in `gradient` [n] on the device;
/// kernels/math/adam.h has the formula, adam_step() the factors. Training has it fused into
/// whatever makes a gradient. Asynchronous, one launch. Throws std::invalid_argument for n < 0 or
/// null arrays, DeviceError where the launch is refused. Kernel: adam.cu.
void adam(const AdamStep& step, const float* gradient, std::int64_t n, const Trained& array,
          cudaStream_t stream);

}  // namespace maskclass::cuda
