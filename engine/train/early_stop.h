#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/matrix/held_out.h"
#include "engine/preprocess/preprocess.h"
#include "kernels/backend.h"

namespace maskclass {

/// Ends a training once the network no longer gets better at the non-zeros that were set aside, and
/// remembers the best. The error is the mean square of predicted minus observed log2(1 + normalised
/// count) over them, taken every kEpochsBetween epochs; kPatience epochs without a smaller one end
/// the training.
class EarlyStop {
 public:
  static constexpr std::int32_t kEpochsBetween = 5;
  static constexpr std::int32_t kPatience = 50;

  /// `backend` trains on `thinned`, the data of `input` without the entries set aside; both must
  /// outlive this.
  EarlyStop(Backend& backend, const Thinned& thinned, const Preprocessed& input);

  /// Whether to go on; for train()'s AfterEpoch.
  bool after_epoch(std::int32_t epochs_done);

  /// Puts the best network into the backend. Returns after how many epochs it was found; 0:
  /// training never came to a check, and the network stays as it is.
  std::int32_t restore_best();
  double best_error() const { return best_error_; }

 private:
  double error() const;

  Backend& backend_;
  const Thinned& thinned_;
  const Preprocessed& input_;
  double best_error_ = 0;
  std::int32_t best_epoch_ = 0;
  std::optional<Parameters> best_;
};

}  // namespace maskclass
