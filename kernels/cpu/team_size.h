#pragma once

#include <algorithm>
#include <cstdint>

namespace maskclass::cpu {

/// How many of the threads it may have a team should use. On a machine whose processors are shared
/// a thread that has lost its processor holds up all others at the next barrier, and fewer threads
/// may be faster. What is computed does not depend on it.
///
/// Where the threads of a team work most of the time, it stays as it is. Where they wait for each
/// other, half as many are tried for a run of batches; where there are fewer than there may be,
/// twice as many every now and then. The faster size stays.
class TeamSize {
 public:
  explicit TeamSize(int most) : most_(most), size_(most), best_(most) {}

  /// For the next run of batches.
  int size() const { return size_; }

  /// Takes what a run of batches of this size took: `seconds` a batch, of which a thread worked the
  /// share `busy` in the mean.
  void record(double seconds, double busy) {
    ++n_runs_;
    if (size_ != best_) {  // It was a trial.
      if (seconds < kGain * best_seconds_) {
        best_ = size_;
        best_seconds_ = seconds;
        n_runs_ = 0;
      }
      size_ = best_;
      return;
    }
    best_seconds_ = seconds;
    const bool waits = busy < kLeastBusy;
    if (best_ > 1 && waits && (n_runs_ == 1 || n_runs_ % kPeriod == 0)) {
      size_ = best_ / 2;
    } else if (best_ < most_ && n_runs_ % kPeriod == kPeriod / 2) {
      size_ = std::min(2 * best_, most_);
    }
  }

 private:
  static constexpr double kLeastBusy = 0.6;
  static constexpr double kGain = 0.9;  ///< Below this share of the best a trial has won.
  static constexpr std::int64_t kPeriod = 16;

  int most_;
  int size_;
  int best_;
  double best_seconds_ = 0;  ///< a batch, with `best_` threads
  std::int64_t n_runs_ = 0;  ///< since `best_` changed
};

}  // namespace maskclass::cpu
