#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace maskclass::cpu {

/// Which slices each thread of a team works on: a run each, at least one. What is computed does not
/// depend on it, so threads whose processor is slower, or shared with a neighbour, may get fewer.
class SliceShares {
 public:
  /// Even shares; 1 <= n_threads <= n_slices.
  SliceShares(std::int32_t n_slices, int n_threads) : bounds_(n_threads + 1) {
    for (int thread = 0; thread <= n_threads; ++thread) {
      bounds_[thread] = static_cast<std::int32_t>(std::int64_t{n_slices} * thread / n_threads);
    }
  }

  int n_threads() const { return static_cast<int>(bounds_.size()) - 1; }
  std::int32_t first(int thread) const { return bounds_[thread]; }
  std::int32_t end(int thread) const { return bounds_[thread + 1]; }

  /// Moves half of the way to shares with which all would have taken the same time, where the
  /// threads took `seconds` for the present ones. Half, since the next epoch is never as this one.
  void rebalance(std::span<const double> seconds) {
    const int n = n_threads();
    double total_speed = 0;
    std::vector<double> speeds(n);
    for (int thread = 0; thread < n; ++thread) {
      if (!(seconds[thread] > 0)) return;  // no clock to speak of
      speeds[thread] = (end(thread) - first(thread)) / seconds[thread];
      total_speed += speeds[thread];
    }
    const std::int32_t n_slices = bounds_.back();
    const std::vector<std::int32_t> old = bounds_;
    double wanted = 0;
    double present = 0;
    for (int thread = 0; thread + 1 < n; ++thread) {
      wanted += n_slices * speeds[thread] / total_speed;
      present += old[thread + 1] - old[thread];
      const auto bound = static_cast<std::int32_t>(std::lround((wanted + present) / 2));
      bounds_[thread + 1] = std::clamp(bound, bounds_[thread] + 1, n_slices - (n - 1 - thread));
    }
  }

 private:
  std::vector<std::int32_t> bounds_;  ///< [n_threads + 1]
};

}  // namespace maskclass::cpu
