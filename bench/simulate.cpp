// How long do simulation and Bayes floor take, a (cell, gene) entry and as a whole?
//   simulate [cells = 5000] [threads = 2]
// The limits asked for: 100,000 cells x 1,100 genes in 120 s on 2 cores with writing, which leaves
// 2,180 ns of one core an entry; the floor of 5,000 x 1,100 in 20 s.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "engine/simulate/bayes_floor.h"
#include "engine/simulate/splat.h"

int main(int argc, char** argv) {
  using namespace maskclass;
  using namespace maskclass::simulate;
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const long n_cells = argc > 1 ? std::atol(argv[1]) : 5000;
  const int n_threads = argc > 2 ? std::atoi(argv[2]) : 2;
  std::printf("%-18s %10s %20s %10s %10s\n", "scenario", "draw, s", "ns/entry x threads",
              "floor, s", "floor");
  for (const char* name : {"equal", "unequal", "rare", "batch", "batch independent"}) {
    const std::string label = name;
    SplatParameters parameters = scenario(label.substr(0, label.find(' ')));
    if (label.ends_with("independent")) parameters.batch_truth = BatchTruth::independent;
    parameters.n_cells = n_cells;
    const auto start = Clock::now();
    const Simulation simulation = simulate::simulate(parameters, 1, n_threads);
    const double drawn = seconds_since(start);
    std::vector<std::int32_t> genes(parameters.n_genes);
    std::iota(genes.begin(), genes.end(), 0);
    const auto floor_start = Clock::now();
    const BayesFloor floor = bayes_floor(simulation.generator, simulation.counts.view(),
                                         simulation.true_counts.view(), genes, genes, n_threads);
    const double n_entries = static_cast<double>(n_cells) * parameters.n_genes;
    std::printf("%-18s %10.2f %20.0f %10.2f %10.4f\n", name, drawn,
                drawn * n_threads / n_entries * 1e9, seconds_since(floor_start), floor.mse());
  }
}
