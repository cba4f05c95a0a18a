#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/memory/training_memory.h"

namespace maskclass::cuda {

/// Entries of a batch, in any layout, on the device.
struct LossEntries {
  std::int64_t n = 0;
  const float* output = nullptr;       ///< [n]: the network's output
  const float* target = nullptr;       ///< [n]
  const float* mask_weight = nullptr;  ///< [n]: w_bio or w_nz at masked entries, else 0
  const float* biozero = nullptr;      ///< [n]: biozero probability at zeros, else 0
};

/// Bytes of scratch that masked_loss needs.
std::size_t masked_loss_scratch(std::int64_t n);

/// L = sum(w r^2) / sum(w) + gamma sum(p r^2) / sum(p), r = output - target (paper, Section 2.5):
/// its terms to `loss` and its gradient with respect to the output to `gradient` [n]. An empty
/// denominator makes its term 0. Sums run in one fixed order, without atomics: the same bits every
/// time. Asynchronous, three launches; all arrays on the device, `scratch` aligned to 16 bytes.
/// Throws std::invalid_argument for no entries or null arrays, DeviceError where a launch is
/// refused. Kernels: masked_loss.cu.
void masked_loss(const LossEntries& entries, float gamma, void* scratch, float* gradient,
                 BatchLoss* loss, cudaStream_t stream);

}  // namespace maskclass::cuda
