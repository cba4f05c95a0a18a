#include "kernels/cpu/slice_shares.h"

#include <doctest/doctest.h>

#include <vector>

using maskclass::cpu::SliceShares;

namespace {

std::vector<std::int32_t> sizes(const SliceShares& shares) {
  std::vector<std::int32_t> result(shares.n_threads());
  for (int thread = 0; thread < shares.n_threads(); ++thread) {
    result[thread] = shares.end(thread) - shares.first(thread);
  }
  return result;
}

/// Rebalances some times, with threads that need these times for a slice.
SliceShares after_epochs(std::int32_t n_slices, const std::vector<double>& seconds_a_slice) {
  SliceShares shares(n_slices, static_cast<int>(seconds_a_slice.size()));
  for (int epoch = 0; epoch < 20; ++epoch) {
    std::vector<double> seconds = seconds_a_slice;
    for (int thread = 0; thread < shares.n_threads(); ++thread) {
      seconds[thread] *= sizes(shares)[thread];
    }
    shares.rebalance(seconds);
    CHECK(shares.first(0) == 0);
    CHECK(shares.end(shares.n_threads() - 1) == n_slices);
  }
  return shares;
}

}  // namespace

TEST_CASE("slices are shared evenly, and stay so while threads are equally fast") {
  CHECK(sizes(SliceShares(46, 2)) == std::vector<std::int32_t>{23, 23});
  CHECK(sizes(after_epochs(46, {1, 1})) == std::vector<std::int32_t>{23, 23});
  CHECK(sizes(after_epochs(4, {1, 1, 1, 1})) == std::vector<std::int32_t>{1, 1, 1, 1});
}

TEST_CASE("slower threads get fewer slices, but one at least") {
  // Rounding to whole slices may stop one slice short of the even times, 30 and 15.
  const std::vector<std::int32_t> two = sizes(after_epochs(45, {1, 2}));
  CHECK(two[0] >= 29);
  CHECK(two[0] <= 31);
  CHECK(sizes(after_epochs(3, {1, 1000, 1000})) == std::vector<std::int32_t>{1, 1, 1});
  CHECK(sizes(after_epochs(8, {1000, 1, 1000}))[0] == 1);
}

TEST_CASE("times that cannot be leave the shares alone") {
  SliceShares shares(46, 2);
  shares.rebalance(std::vector<double>{0, 1});
  CHECK(sizes(shares) == std::vector<std::int32_t>{23, 23});
}
