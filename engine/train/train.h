#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/progress.h"
#include "kernels/backend.h"

namespace maskclass {

/// Called after each epoch with the number of epochs done; returns false to end the training there.
using AfterEpoch = std::function<bool(std::int32_t epochs_done)>;

/// Trains for `n_epochs` passes over all cells, each in an order of its own, and returns the loss
/// of each (paper, Section 2.7). `cell_ids` are those of the backend's data. Throws
/// Error{cancelled} where the caller's progress callback asks to stop.
std::vector<EpochLoss> train(Backend& backend, std::span<const std::uint32_t> cell_ids,
                             std::int32_t n_epochs, const TrainingOptions& options,
                             const Callbacks& callbacks, const AfterEpoch& after_epoch = {});

}  // namespace maskclass
