// Where does the time of a training step go, and where must it go? Prints microseconds of each
// phase on one thread, the least over all steps, and of the dense schedule what its largest parts
// take apart from each other on this machine: products at the rate of a 1024^3 product, Adam alone
// and Philox alone (bench/limits.h). A phase is so short that it finds a moment without neighbours
// even on a busy machine, so these figures hold where whole steps are disturbed.
//
//   bench_training_phases [cells] [genes] [percent zeros] [gamma] [epochs]
//
// MASKCLASS_SCHEDULE=dense or sparse in the environment overrides the rule that chooses.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "bench/limits.h"
#include "engine/model/initial_weights.h"
#include "engine/train/cell_order.h"
#include "kernels/cpu/denormals.h"
#include "kernels/cpu/layout_conversion.h"
#include "kernels/cpu/phases.h"
#include "tests/kernels/made_up_data.h"

namespace {

using namespace maskclass;

enum Part { set_cells, gather, corrupt, encode, forward, decode, backward, update, trunk, n_parts };
constexpr const char* kNames[n_parts] = {"set up the batch", "gather",         "mask and corrupt",
                                         "encode",           "trunk forward",  "decode",
                                         "trunk backward",   "update encoder", "update trunk"};

using Times = std::array<double, n_parts>;

/// Adds the time since its last call to a part.
class Laps {
 public:
  explicit Laps(Times& times) : times_(times) {}
  void end(Part part) {
    const auto now = std::chrono::steady_clock::now();
    times_[part] += std::chrono::duration<double, std::micro>(now - last_).count();
    last_ = now;
  }

 private:
  Times& times_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// A step as cpu_backend.cpp has it, on one thread. The loss keeps its scale: what it is does not
/// change the time.
Times time_step(cpu::TrainingState& state, cpu::Batch& batch,
                std::span<const std::uint32_t> cells) {
  const cpu::Phases& phases = cpu::phases();
  Times times{};
  Laps laps(times);
  cpu::set_cells(state, cells, batch);
  phases.seek_gene(state, batch, 0);
  laps.end(set_cells);
  for (std::int32_t slice = 0; slice < state.slices.count; ++slice) {
    phases.gather_slice(state, batch, slice);
    laps.end(gather);
    phases.corrupt_slice(state, batch, slice);
    laps.end(corrupt);
    phases.encode_slice(state, batch, slice);
    laps.end(encode);
  }
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    phases.trunk_forward(state, batch, group);
  }
  laps.end(forward);
  for (std::int32_t slice = 0; slice < state.slices.count; ++slice) {
    phases.decode_slice(state, batch, slice);
  }
  laps.end(decode);
  for (std::int64_t group = 0; group < batch.n_groups; ++group) {
    phases.trunk_backward(state, batch, group);
  }
  laps.end(backward);
  for (std::int32_t slice = 0; slice < state.slices.count; ++slice) {
    phases.update_encoder(state, batch, slice);
  }
  laps.end(update);
  for (int block = 0; block < 3; ++block) phases.update_trunk(state, batch, block);
  laps.end(trunk);
  return times;
}

/// What the phases' products, updates and random numbers take by themselves, where all entries are
/// gone through.
Times least_times(const NetworkShape& shape, double batch_size, bool with_biozero) {
  const double genes = shape.n_genes;
  const double wide = genes * shape.hidden;                 // weights of a wide layer
  const double narrow = 2.0 * shape.hidden * shape.latent;  // weights of the trunk
  const bench::Limits limits = bench::measure_limits(1, std::llround(2 * wide + narrow));
  const double flops = std::max(limits.blas_flops, limits.own_flops);
  const auto multiply_adds = [flops](double n) { return 2e6 * n / flops; };
  const double product = multiply_adds(batch_size * wide);
  const double of_trunk = multiply_adds(batch_size * narrow);
  const double adam = 1e6 * wide / limits.adam_updates;
  const double biozero = with_biozero ? multiply_adds(batch_size * genes * kBiozeroTerms) : 0;
  Times least{};
  least[corrupt] = 1e6 * batch_size * genes / 4 / limits.philox_blocks + biozero;
  least[encode] = product;
  least[forward] = of_trunk;
  least[decode] = 3 * product + adam;
  least[backward] = of_trunk;
  least[update] = product + adam;
  least[trunk] = of_trunk + 1e6 * narrow / limits.adam_updates;
  return least;
}

double argument(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::atof(argv[index]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const auto n_cells = std::max<std::int64_t>(32, std::llround(argument(argc, argv, 1, 5000)));
  NetworkShape shape;
  shape.n_genes = std::max(1, static_cast<std::int32_t>(argument(argc, argv, 2, 1100)));
  const test::MadeUpData made_up(n_cells, shape.n_genes, argument(argc, argv, 3, 60) / 100);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.biozero_weight = static_cast<float>(argument(argc, argv, 4, 1));
  const auto n_epochs = static_cast<std::uint32_t>(argument(argc, argv, 5, 5));
  if (const char* schedule = std::getenv("MASKCLASS_SCHEDULE")) {
    options.schedule = std::string(schedule) == "dense" ? Schedule::dense : Schedule::sparse;
  }

  cpu::TrainingState state(data, shape, options);
  cpu::load_parameters(initial_weights(shape, options.seed), state.network);
  state.sum_weights();
  cpu::Batch batch(state.most_groups, state.network);
  batch.sparse_input = state.sparse_input;
  batch.loss_scale = {1e-3, 1e-4};
  const cpu::FlushDenormals flush_denormals;
  Times least;
  least.fill(1e30);
  double least_step = 1e30;
  std::int64_t step = 0;
  const auto batch_size = static_cast<std::size_t>(options.batch_size);
  for (std::uint32_t epoch = 0; epoch < n_epochs; ++epoch) {
    const std::vector<std::uint32_t> order = cell_order(made_up.cell_ids, epoch, options.seed);
    batch.epoch = epoch;
    for (std::size_t first = 0; first + batch_size <= order.size(); first += batch_size) {
      batch.adam = adam_step(options, ++step);
      const Times times =
          time_step(state, batch, std::span<const std::uint32_t>(order).subspan(first, batch_size));
      for (int part = 0; part < n_parts; ++part) least[part] = std::min(least[part], times[part]);
      least_step = std::min(least_step, std::accumulate(times.begin(), times.end(), 0.0));
    }
  }
  std::printf("%s, one thread, %s in, %s out\n", cpu::phases().instruction_set,
              state.sparse_input ? "sparse" : "dense", state.sparse_output ? "sparse" : "dense");
  const bool dense = !state.sparse_input && !state.sparse_output;
  const Times limit =
      dense ? least_times(shape, options.batch_size, options.biozero_weight != 0) : Times{};
  for (int part = 0; part < n_parts; ++part) {
    std::printf("%-17s %6.1f us", kNames[part], least[part]);
    if (limit[part] > 0) std::printf(", limit %6.1f us", limit[part]);
    std::printf("\n");
  }
  std::printf("%-17s %6.1f us", "whole step", least_step);
  if (dense) {
    std::printf(", limit %6.1f us", std::accumulate(limit.begin(), limit.end(), 0.0));
  }
  std::printf("\n");
  return 0;
}
