#include "engine/train/train.h"

#include "engine/train/cell_order.h"

namespace maskclass {

std::vector<EpochLoss> train(Backend& backend, std::span<const std::uint32_t> cell_ids,
                             std::int32_t n_epochs, const TrainingOptions& options,
                             const Callbacks& callbacks) {
  std::vector<EpochLoss> history;
  Progress progress{.stage = "train", .done = 0, .total = n_epochs, .unit = "epochs", .loss = 0};
  for (std::int32_t epoch = 0; epoch < n_epochs; ++epoch) {
    const auto order = cell_order(cell_ids, static_cast<std::uint32_t>(epoch), options.seed);
    history.push_back(backend.train_epoch(static_cast<std::uint32_t>(epoch), order,
                                          [&](std::int64_t /*batches_done*/) {
                                            report_progress(callbacks, progress);
                                            return true;
                                          }));
    progress.done = epoch + 1;
    progress.loss = history.back().masked +
                    static_cast<double>(options.biozero_weight) * history.back().biozero;
    report_progress(callbacks, progress);
  }
  return history;
}

}  // namespace maskclass
