#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/runtime/device.h"
#include "kernels/cuda/training/training_step.h"

namespace maskclass::cuda {

/// How the persistent kernel lies on a device, or why it cannot.
struct PersistentPlan {
  int slices_a_block = 0;
  int n_slice_blocks = 0;
  int n_trunk_blocks = 0;
  std::size_t shared_bytes = 0;  ///< a block
  std::string reason;            ///< Empty where it is possible.

  bool possible() const { return reason.empty(); }
  int n_blocks() const { return n_slice_blocks + n_trunk_blocks; }
};

/// Each block has a multiprocessor to itself; slices are spread over as many as there are. The
/// network must have the paper's widths, a batch at most 32 cells, and each block must hold the
/// weights, moments and batch of its slices in shared memory.
PersistentPlan plan_persistent(const NetworkShape& shape, int batch_size, const DeviceInfo& device);

/// Launches steps [first, first + n_steps) of the epoch that the schedule holds, in one cooperative
/// grid. Weights and moments are read from global memory before the first step and written back
/// after the last. Throws DeviceError where the launch is refused.
void launch_persistent(const TrainingStep& step, const PersistentPlan& plan, std::uint32_t first,
                       std::uint32_t n_steps, cudaStream_t stream);

/// Grid-wide barriers of one step.
inline constexpr int kBarriersAStep = 4;

}  // namespace maskclass::cuda
