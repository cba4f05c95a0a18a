#include "kernels/cpu/team_size.h"

#include <doctest/doctest.h>

#include <functional>

namespace {

using maskclass::cpu::TeamSize;

/// Runs in which the team had each of sizes 1 to 8, of `n_runs`.
struct Use {
  int of_size[9] = {};
};
Use use_of(TeamSize& team, int n_runs, const std::function<double(int)>& seconds,
           const std::function<double(int)>& busy) {
  Use use;
  for (int run = 0; run < n_runs; ++run) {
    const int size = team.size();
    ++use.of_size[size];
    team.record(seconds(size), busy(size));
  }
  return use;
}

}  // namespace

TEST_CASE("a team that works most of the time is left alone") {
  TeamSize team(8);
  const Use use = use_of(
      team, 1000, [](int size) { return 1.0 / size; }, [](int) { return 0.8; });
  CHECK(use.of_size[8] == 1000);
}

TEST_CASE("a team whose threads wait shrinks to where it is fastest, and grows again") {
  TeamSize team(8);
  // A processor for one thread alone: more of them take turns.
  const auto alone = use_of(
      team, 200, [](int size) { return size == 1 ? 1.0 : 4.0 * size; },
      [](int size) { return size == 1 ? 0.95 : 0.3; });
  CHECK(team.size() <= 2);
  CHECK(alone.of_size[1] > 170);
  CHECK(alone.of_size[8] <= 2);
  // The neighbours are gone.
  const auto free = use_of(
      team, 200, [](int size) { return 1.0 / size; }, [](int) { return 0.9; });
  CHECK(free.of_size[8] > 150);
}

TEST_CASE("threads that wait because there is little to share keep the faster size") {
  TeamSize team(2);
  const Use use = use_of(
      team, 1600, [](int size) { return size == 2 ? 1.0 : 1.3; }, [](int) { return 0.4; });
  CHECK(use.of_size[2] > 1450);
}

TEST_CASE("one thread stays one") {
  TeamSize team(1);
  const Use use = use_of(
      team, 100, [](int) { return 1.0; }, [](int) { return 0.1; });
  CHECK(use.of_size[1] == 100);
}
