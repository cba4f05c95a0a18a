#include "engine/train/early_stop.h"

#include "engine/preprocess/normalise.h"
#include "engine/train/held_out_predictions.h"

namespace maskclass {

EarlyStop::EarlyStop(Backend& backend, const Thinned& thinned, const Preprocessed& input)
    : backend_(backend), thinned_(thinned), input_(input) {}

bool EarlyStop::after_epoch(std::int32_t epochs_done) {
  if (epochs_done % kEpochsBetween != 0 || thinned_.cell.empty()) return true;
  const double now = error();
  if (!best_ || now < best_error_) {
    best_error_ = now;
    best_epoch_ = epochs_done;
    best_.emplace(backend_.parameters());
  }
  return epochs_done - best_epoch_ < kPatience;
}

std::int32_t EarlyStop::restore_best() {
  if (best_) backend_.set_parameters(*best_);
  return best_epoch_;
}

double EarlyStop::error() const {
  const std::vector<float> predicted =
      predict_held_out(backend_, input_.counts.n_cells, input_.counts.n_genes, thinned_);
  double sum = 0;
  for (std::size_t k = 0; k < predicted.size(); ++k) {
    const double observed =
        log_normalised(thinned_.count[k], input_.size_factors[thinned_.cell[k]]);
    sum += (predicted[k] - observed) * (predicted[k] - observed);
  }
  return sum / static_cast<double>(predicted.size());
}

}  // namespace maskclass
