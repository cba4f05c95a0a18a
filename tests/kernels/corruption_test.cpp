#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "kernels/cpu/phases.h"
#include "kernels/math/log2.h"
#include "tests/kernels/made_up_data.h"
#include "tests/kernels/reference_network.h"

using namespace maskclass;

namespace {

/// Phase 1 of the CPU backend for one batch.
struct PhaseOne {
  cpu::TrainingState state;
  cpu::Batch batch;

  PhaseOne(const ScaledData& data, std::span<const std::uint32_t> rows,
           const TrainingOptions& options, std::uint32_t epoch)
      : state(data, {data.n_genes, 4, 3}, options), batch(state.most_groups, state.network) {
    batch.epoch = epoch;
    cpu::set_cells(state, rows, batch);
    cpu::phases().seek_gene(state, batch, 0);
    for (std::int32_t slice = 0; slice < state.slices.count; ++slice) {
      cpu::phases().gather_slice(state, batch, slice);
      cpu::phases().corrupt_slice(state, batch, slice);
    }
  }

  /// The entry of a cell of the batch and a gene in one of the panels.
  float at(const cpu::AlignedFloats& panels, std::int64_t cell, std::int32_t gene) const {
    return panels[state.panel_offset(cell / cpu::kGroup) + std::int64_t{gene} * cpu::kGroup +
                  cell % cpu::kGroup];
  }
};

/// Compares every entry of one batch of all cells with the formulas, exactly.
void check_batch(const ScaledData& data, float mask_zero, double mask_nonzero) {
  TrainingOptions options;
  options.batch_size = 40;
  options.seed = 99;
  options.mask_zero = mask_zero;
  options.mask_nonzero = mask_nonzero;
  std::vector<std::uint32_t> rows(data.n_cells);
  std::iota(rows.rbegin(), rows.rend(), 0);
  const PhaseOne ours(data, rows, options, 7);
  const auto exact = test::corrupt(data, rows, 7, options);
  std::int64_t differences = 0, masked_zeros = 0, masked_nonzeros = 0;
  for (std::int64_t cell = 0; cell < data.n_cells; ++cell) {
    for (std::int32_t gene = 0; gene < data.n_genes; ++gene) {
      const std::size_t k = cell * data.n_genes + gene;
      differences += !(ours.at(ours.state.input, cell, gene) == exact.input[k] &&
                       ours.at(ours.state.target, cell, gene) == exact.target[k] &&
                       ours.at(ours.state.mask_weight, cell, gene) == exact.mask_weight[k] &&
                       ours.at(ours.state.biozero, cell, gene) == exact.biozero[k]);
      masked_zeros += exact.mask_weight[k] == options.zero_weight;
      masked_nonzeros += exact.mask_weight[k] == options.nonzero_weight;
    }
  }
  CHECK(differences == 0);
  for (const auto& sums : ours.state.sums) {
    masked_zeros -= sums.masked_zeros;
    masked_nonzeros -= sums.masked_nonzeros;
  }
  CHECK(masked_zeros == 0);
  CHECK(masked_nonzeros == 0);
}

}  // namespace

TEST_CASE("masks, corrupted inputs and weights are those of the formulas, bit for bit") {
  for (const std::int32_t n_genes : {1, 23, 24, 25, 130, 1700}) {
    for (const std::int64_t n_cells : {1, 15, 16, 37}) {
      CAPTURE(n_genes);
      CAPTURE(n_cells);
      // One dropout curve, some, and more than a group of 16 cells can have.
      for (const std::uint32_t n_curves : {1u, 3u, 20u}) {
        CAPTURE(n_curves);
        const test::MadeUpData made_up(n_cells, n_genes, 0.6, n_curves);
        // The largest and smallest probabilities too: 1 is always, 0 never.
        for (const float mask_zero : {0.01f, 0.9f, 1.0f, 2.0f, 0.0f}) {
          for (const double mask_nonzero : {0.3, 1.0, 0.0}) {
            check_batch(made_up.view(), mask_zero, mask_nonzero);
          }
        }
      }
    }
  }
}

TEST_CASE("without the biozero loss a masked zero needs its probability alone: the same masks") {
  const test::MadeUpData made_up(37, 130, 0.6, 3);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.batch_size = 40;
  options.biozero_weight = 0;
  options.mask_zero = 0.9f;
  std::vector<std::uint32_t> rows(37);
  std::iota(rows.begin(), rows.end(), 0);
  const PhaseOne ours(data, rows, options, 7);
  const auto exact = test::corrupt(data, rows, 7, options);
  std::int64_t differences = 0;
  for (std::int64_t cell = 0; cell < 37; ++cell) {
    for (std::int32_t gene = 0; gene < 130; ++gene) {
      const std::size_t k = cell * 130 + gene;
      differences += ours.at(ours.state.input, cell, gene) != exact.input[k] ||
                     ours.at(ours.state.mask_weight, cell, gene) != exact.mask_weight[k];
    }
  }
  CHECK(differences == 0);
}

TEST_CASE("mask rates are the probabilities, and masks of neighbours are independent") {
  // 40 % of 400 x 500 entries are non-zeros; over five epochs the rate of masks has a standard
  // error of sqrt(0.3 * 0.7 / 400000). Bounds are 4.5 standard errors: one test in 150,000 fails.
  const std::int64_t n_cells = 400;
  const std::int32_t n_genes = 500;
  const test::MadeUpData made_up(n_cells, n_genes);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.batch_size = 400;
  options.mask_zero = 0.5f;
  std::vector<std::uint32_t> rows(n_cells);
  std::iota(rows.begin(), rows.end(), 0);

  double nonzeros = 0, masked = 0, expected_zeros = 0, zero_variance = 0, masked_zeros = 0;
  double gene_pairs = 0, both_genes = 0, cell_pairs = 0, both_cells = 0, epoch_pairs = 0,
         both_epochs = 0;
  std::vector<float> previous;
  for (std::uint32_t epoch = 0; epoch < 5; ++epoch) {
    const PhaseOne phase(data, rows, options, epoch);
    std::vector<float> state;  // 1 masked, 0 not, for non-zeros; -1 for zeros
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
      for (std::int32_t gene = 0; gene < n_genes; ++gene) {
        const float weight = phase.at(phase.state.mask_weight, cell, gene);
        const float p = phase.at(phase.state.biozero, cell, gene);
        if (p > 0) {
          const double probability = 0.5 * static_cast<double>(p);
          expected_zeros += probability;
          zero_variance += probability * (1 - probability);
          masked_zeros += weight != 0;
          state.push_back(-1);
        } else {
          nonzeros += 1;
          masked += weight != 0;
          state.push_back(weight != 0 ? 1 : 0);
        }
        const auto count_pair = [&](float other, double& pairs, double& both) {
          if (state.back() < 0 || other < 0) return;
          pairs += 1;
          both += state.back() * other;
        };
        if (gene > 0) count_pair(state[state.size() - 2], gene_pairs, both_genes);
        if (cell > 0) count_pair(state[state.size() - 1 - n_genes], cell_pairs, both_cells);
        if (epoch > 0) count_pair(previous[state.size() - 1], epoch_pairs, both_epochs);
      }
    }
    previous = std::move(state);
  }
  const auto within = [](double count, double n, double probability) {
    return std::abs(count - n * probability) <=
           4.5 * std::sqrt(n * probability * (1 - probability));
  };
  CHECK(nonzeros > 350000);
  CHECK(within(masked, nonzeros, 0.3));
  CHECK(std::abs(masked_zeros - expected_zeros) <= 4.5 * std::sqrt(zero_variance));
  // Two masks coincide with probability 0.3^2. Pairs share members, which widens the spread by at
  // most 2 * 0.3 / (1 + 0.3) of itself; twice the bound leaves room for that.
  for (const auto& [both, pairs] :
       {std::pair(both_genes, gene_pairs), {both_cells, cell_pairs}, {both_epochs, epoch_pairs}}) {
    CHECK(std::abs(both - pairs * 0.09) <= 9 * std::sqrt(pairs * 0.09 * 0.91));
  }
}

TEST_CASE("log2(1 + x) is within two roundings of the C library's") {
  for (const float base :
       {0.0f, 1e-30f, 1e-7f, 3e-4f, 0.1f, 0.4142f, 0.42f, 1.0f, 2.9f, 1e3f, 1.6e7f}) {
    for (int step = 0; step < 2000; ++step) {
      const float x = base * (1 + static_cast<float>(step) * 7e-4f);
      const double exact = std::log1p(static_cast<double>(x)) / std::log(2.0);
      REQUIRE(std::abs(log2_of_one_plus(x) - exact) <= exact * 0x1p-22);
    }
  }
}
