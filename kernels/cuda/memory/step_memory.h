#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/runtime/memory.h"

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
  /// Plans for up to most_cells cells in up to most_batches batches.
  ScheduleMemory(std::int64_t most_cells, std::int64_t most_batches, MemoryPlan& plan);
  /// Allocates the host's side, page-locked; before start().
  void allocate_host();

  /// Starts an epoch over `order`, in the order of the stream, which must be done with the last
  /// one. Step k of it is Adam's step first_step + k.
  void start(std::uint32_t epoch, std::span<const std::uint32_t> order,
             const TrainingOptions& options, std::int64_t first_step, const Context& context);
  /// Asks for the losses of the first n batches, in the order of the stream; they are in losses()
  /// once that is done.
  void fetch_losses(std::size_t n, const Context& context);
  std::span<const BatchLoss> losses() const { return host_losses_.span().first(n_losses_); }

  Schedule view() const { return {state_.data(), adam_.data(), losses_.data()}; }
  const std::uint32_t* order() const { return order_.data(); }  ///< device memory

 private:
  DeviceArray<EpochState> state_;
  DeviceArray<std::uint32_t> order_;
  DeviceArray<AdamStep> adam_;
  DeviceArray<BatchLoss> losses_;
  PinnedArray<EpochState> host_state_{0};
  PinnedArray<std::uint32_t> host_order_{0};
  PinnedArray<AdamStep> host_adam_{0};
  PinnedArray<BatchLoss> host_losses_{0};
  std::size_t n_losses_ = 0;
};

}  // namespace maskclass::cuda
