#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/cuda/training_memory.h"

namespace maskclass::cuda {

/// What the phases of a step pass on to each other, on the device.
class ExchangeMemory {
 public:
  /// For batches of up to `most_cells`.
  ExchangeMemory(const NetworkShape& shape, int most_cells, MemoryPlan& plan);
  Exchange view() const;

 private:
  DeviceArray<float> partial_;
  DeviceArray<float> decoder_input_;
  DeviceArray<float> encoder_gradient_;
  DeviceArray<float> block_output_[2];
  DeviceArray<float> block_gradient_[2];
  DeviceArray<float> trace_;
  DeviceArray<float> vector_gradient_;
  DeviceArray<TileSums> tile_sums_;
  DeviceArray<SliceLoss> slice_loss_;
  DeviceArray<LossScale> loss_scale_;
  DeviceArray<float> output_gradient_;
};

/// The epoch at hand: which cells in which order, Adam's factors of each step, and the losses.
class ScheduleMemory {
 public:
  ScheduleMemory(std::int64_t most_cells, std::int64_t most_batches, MemoryPlan& plan);

  /// Starts an epoch over `order`, in the order of the stream, which must be done with the last
  /// one. Step k of it is Adam's step first_step + k.
  void start(std::uint32_t epoch, std::span<const std::uint32_t> order,
             const TrainingOptions& options, std::int64_t first_step, const Context& context);
  /// The losses of the first n batches. Waits for the stream.
  std::span<const BatchLoss> losses(std::size_t n, const Context& context);

  Schedule view() const { return {state_.data(), order_.data(), adam_.data(), losses_.data()}; }

 private:
  DeviceArray<EpochState> state_;
  DeviceArray<std::uint32_t> order_;
  DeviceArray<AdamStep> adam_;
  DeviceArray<BatchLoss> losses_;
  PinnedArray<EpochState> host_state_;
  PinnedArray<std::uint32_t> host_order_;
  PinnedArray<AdamStep> host_adam_;
  PinnedArray<BatchLoss> host_losses_;
};

}  // namespace maskclass::cuda
