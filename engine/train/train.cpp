#include "engine/train/train.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"
#include "engine/train/cell_order.h"

namespace maskclass {

std::vector<EpochLoss> train(Backend& backend, std::span<const std::uint32_t> cell_ids,
                             std::int32_t n_epochs, const TrainingOptions& options,
                             const Callbacks& callbacks, const AfterEpoch& after_epoch) {
  const std::int64_t n_cells = static_cast<std::int64_t>(cell_ids.size());
  std::vector<EpochLoss> history;
  Progress progress;
  progress.stage = "train";
  progress.unit = "cells";
  progress.total = n_epochs * n_cells;
  for (std::int32_t epoch = 0; epoch < n_epochs; ++epoch) {
    progress.detail = "epoch " + std::to_string(epoch + 1) + "/" + std::to_string(n_epochs);
    const auto report = [&](std::int64_t batches_done) {
      const std::int64_t cells_done = batches_done * options.batch_size;
      if (cells_done >= n_cells) return true;  // The epoch's end is reported with its loss, below.
      progress.done = epoch * n_cells + cells_done;
      report_progress(callbacks, progress);
      return true;
    };
    const auto order = cell_order(cell_ids, static_cast<std::uint32_t>(epoch), options.seed);
    history.push_back(backend.train_epoch(static_cast<std::uint32_t>(epoch), order, report));
    progress.loss = history.back().masked +
                    static_cast<double>(options.biozero_weight) * history.back().biozero;
    if (!std::isfinite(progress.loss)) {
      throw data_error("the training diverged in epoch " + std::to_string(epoch + 1) +
                       ": the loss is not a finite number; lower --lr");
    }
    // A short epoch ends before the backend reports at all.
    progress.done = (epoch + 1) * n_cells;
    report_progress(callbacks, progress);
    if (after_epoch && !after_epoch(epoch + 1)) break;
  }
  progress.done = progress.total;
  report_progress(callbacks, progress);
  return history;
}

}  // namespace maskclass
