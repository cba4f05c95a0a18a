// How long is a step of training, and how long must it be? For each number of threads, prints the
// limits of this machine and the dense floor that follows from them (bench/limits.h), both measured
// in this run, and microseconds a step: the best and the median of runs of 5 steps. A machine
// whose cores are shared is best seen by the best.
//
//   bench_training_step [cells] [genes] [percent zeros] [gamma] [epochs] [threads...]
//
// It also prints the two terms of the loss of cells 0 to 31 at the initial weights, which
// bench/framework compares with PyTorch's.
//
// MASKCLASS_SCHEDULE=dense or sparse in the environment overrides the rule that chooses.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "bench/limits.h"
#include "engine/model/initial_weights.h"
#include "engine/train/cell_order.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/instruction_set.h"
#include "tests/kernels/made_up_data.h"

namespace {

using namespace maskclass;

constexpr std::size_t kStepsInRun = 5;

double argument(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::atof(argv[index]) : otherwise;
}

Schedule schedule_of_environment() {
  const char* text = std::getenv("MASKCLASS_SCHEDULE");
  if (text == nullptr) return Schedule::automatic;
  return std::string(text) == "dense" ? Schedule::dense : Schedule::sparse;
}

std::int64_t number_of_weights(const Parameters& parameters) {
  std::size_t n = parameters.output_weight.size() + parameters.output_bias.size();
  for (const BlockParameters& block : parameters.blocks) {
    n += block.weight.size() + block.bias.size() + block.gain.size() + block.shift.size();
  }
  return static_cast<std::int64_t>(n);
}

/// Microseconds a step of each run of 5, over some epochs.
std::vector<double> time_runs(Backend& backend, std::span<const std::uint32_t> cell_ids,
                              const TrainingOptions& options, std::uint32_t n_epochs) {
  std::vector<double> times;
  const std::size_t run_size = kStepsInRun * options.batch_size;
  for (std::uint32_t epoch = 0; epoch < n_epochs; ++epoch) {
    const std::vector<std::uint32_t> order = cell_order(cell_ids, epoch, options.seed);
    for (std::size_t first = 0; first + run_size <= order.size(); first += run_size) {
      const auto start = std::chrono::steady_clock::now();
      backend.train_epoch(epoch, std::span(order).subspan(first, run_size), {});
      const std::chrono::duration<double, std::micro> elapsed =
          std::chrono::steady_clock::now() - start;
      times.push_back(elapsed.count() / static_cast<double>(kStepsInRun));
    }
  }
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const auto n_cells = static_cast<std::int64_t>(argument(argc, argv, 1, 5000));
  NetworkShape shape;
  shape.n_genes = static_cast<std::int32_t>(argument(argc, argv, 2, 1100));
  const test::MadeUpData made_up(n_cells, shape.n_genes, argument(argc, argv, 3, 60) / 100);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.biozero_weight = static_cast<float>(argument(argc, argv, 4, 1));
  options.schedule = schedule_of_environment();
  const auto n_epochs = static_cast<std::uint32_t>(argument(argc, argv, 5, 5));
  if (n_cells < static_cast<std::int64_t>(kStepsInRun) * options.batch_size || shape.n_genes < 1) {
    std::fprintf(stderr, "at least %zu cells and a gene, please\n",
                 kStepsInRun * static_cast<std::size_t>(options.batch_size));
    return 2;
  }
  std::vector<int> thread_counts{1, 2};
  if (argc > 6) {
    thread_counts.clear();
    for (int k = 6; k < argc; ++k) thread_counts.push_back(std::max(1, std::atoi(argv[k])));
  }

  const Parameters parameters = initial_weights(shape, options.seed);
  const std::int64_t n_weights = number_of_weights(parameters);
  std::printf("%lld cells x %d genes, %zu non-zeros, gamma %g, %s\n",
              static_cast<long long>(n_cells), shape.n_genes, made_up.indices.size(),
              static_cast<double>(options.biozero_weight), cpu::instruction_set().c_str());
  for (const int n_threads : thread_counts) {
    const bench::Limits limits = bench::measure_limits(n_threads, n_weights);
    const bench::Floor floor =
        bench::dense_floor(limits, n_weights, options.batch_size, shape.n_genes);
    const auto backend = cpu::make_cpu_backend(data, shape, options, n_threads);
    backend->set_parameters(parameters);
    std::vector<std::uint32_t> first_rows(static_cast<std::size_t>(options.batch_size));
    std::iota(first_rows.begin(), first_rows.end(), 0);
    const EpochLoss loss = backend->train_epoch(0, first_rows, {});
    std::printf("first batch: loss %.9g %.9g\n", loss.masked, loss.biozero);
    std::vector<double> times = time_runs(*backend, made_up.cell_ids, options, n_epochs);
    std::sort(times.begin(), times.end());
    const double best = times.front();
    std::printf(
        "%d threads: products at %.0f GF/s (OpenBLAS %.0f, own tiles %.0f), memory %.0f GB/s, "
        "Philox %.0f M blocks/s\n"
        "  dense floor %.1f us = products %.1f + Adam's memory %.1f + Philox %.1f\n"
        "  step: best %.1f us, median %.1f us; best / floor %.2f\n",
        n_threads, std::max(limits.blas_flops, limits.own_flops) * 1e-9, limits.blas_flops * 1e-9,
        limits.own_flops * 1e-9, limits.memory_rate * 1e-9, limits.philox_blocks * 1e-6,
        floor.total() * 1e6, floor.products * 1e6, floor.adam * 1e6, floor.philox * 1e6, best,
        times[times.size() / 2], best / (floor.total() * 1e6));
  }
  return 0;
}
