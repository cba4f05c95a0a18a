#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "kernels/cuda/memory/data_memory.h"
#include "kernels/cuda/ops/corrupt.h"
#include "tests/cuda/device_data.h"
#include "tests/kernels/made_up_data.h"
#include "tests/kernels/reference_network.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::cuda::test::TestStream;

namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::uint64_t limit_of(double probability) {
  return static_cast<std::uint64_t>(std::floor(probability * 4294967296.0));
}

Corruption corruption_of(const TrainingOptions& options) {
  return {options.seed,
          limit_of(options.mask_nonzero),
          limit_of(static_cast<double>(options.mask_zero)),
          options.mask_zero,
          options.noise,
          options.zero_weight,
          options.nonzero_weight,
          options.biozero_weight};
}

/// A corrupted batch, and the sums of all its tiles.
struct Batch {
  std::vector<float> input, target, mask_weight, biozero;
  std::vector<TileSums> sums;

  Batch(const ScaledData& data, const std::vector<std::uint32_t>& rows, std::uint32_t epoch,
        const TrainingOptions& options) {
    const TestStream stream;
    MemoryPlan plan;
    DataMemory memory(data.n_cells, static_cast<std::int64_t>(data.scaled.size()), data.n_genes,
                      data.n_curves(), plan);
    plan.allocate(stream.context);
    memory.copy(data, stream.context);
    const auto n_cells = static_cast<int>(rows.size());
    const auto device_rows = stream.upload(rows);
    memory.order(device_rows.data(), n_cells, stream.context);
    const std::size_t size = rows.size() * data.n_genes;
    const auto device_input = stream.array<float>(size);
    const auto device_target = stream.array<float>(size);
    const auto device_weight = stream.array<float>(size);
    const auto device_biozero = stream.array<float>(size);
    const Columns columns = memory.view();
    const std::size_t n_tiles = (rows.size() + kTileCells - 1) / kTileCells;
    const auto device_sums = stream.array<TileSums>(columns.n_slices * n_tiles);
    cuda::corrupt(columns, corruption_of(options), epoch, n_cells,
                  {device_input.data(), device_target.data(), device_weight.data(),
                   device_biozero.data(), device_sums.data()},
                  stream.context.stream);
    input = stream.download(device_input);
    target = stream.download(device_target);
    mask_weight = stream.download(device_weight);
    biozero = stream.download(device_biozero);
    sums = stream.download(device_sums);
  }
};

std::int64_t count_differences(const std::vector<float>& found,
                               const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  std::int64_t differences = 0;
  for (std::size_t k = 0; k < found.size(); ++k) {
    differences += same_bits(found[k], expected[k]) ? 0 : 1;
  }
  return differences;
}

/// Compares every entry and every sum with the formulas, exactly.
void check_batch(const ScaledData& data, const std::vector<std::uint32_t>& rows,
                 std::uint32_t epoch, const TrainingOptions& options) {
  const Batch ours(data, rows, epoch, options);
  const auto exact = maskclass::test::corrupt(data, rows, epoch, options);
  std::vector<float> biozero = exact.biozero;
  // With gamma 0 no biozero probability counts, and none is kept.
  if (options.biozero_weight == 0.0f) biozero.assign(biozero.size(), 0.0f);
  CHECK(count_differences(ours.input, exact.input) == 0);
  CHECK(count_differences(ours.target, exact.target) == 0);
  CHECK(count_differences(ours.mask_weight, exact.mask_weight) == 0);
  CHECK(count_differences(ours.biozero, biozero) == 0);

  std::int64_t masked_zeros = 0, masked_nonzeros = 0;
  double sum = 0;
  for (const TileSums& tile : ours.sums) {
    masked_zeros += tile.masked_zeros;
    masked_nonzeros += tile.masked_nonzeros;
    sum += static_cast<double>(tile.biozero);
  }
  CHECK(masked_zeros == std::ranges::count(exact.mask_weight, options.zero_weight));
  CHECK(masked_nonzeros == std::ranges::count(exact.mask_weight, options.nonzero_weight));
  const double expected = std::accumulate(biozero.begin(), biozero.end(), 0.0);
  // Each tile adds at most 1024 terms in float32.
  CHECK(std::abs(sum - expected) <= expected * 1024 * 0x1p-24);
}

}  // namespace

// The CPU backend is held to the same formulas, bit for bit: tests/kernels/corruption_test.cpp.
TEST_CASE("masks, corrupted inputs and weights are those of the formulas, bit for bit") {
  for (const std::int32_t n_genes : {1, 31, 32, 33, 130}) {
    for (const std::int64_t n_cells : {1, 32, 45}) {
      CAPTURE(n_genes);
      CAPTURE(n_cells);
      // One dropout curve, or several.
      const maskclass::test::MadeUpData made_up(n_cells, n_genes, 0.6, n_cells == 45 ? 3 : 1);
      const ScaledData data = made_up.view();
      std::vector<std::uint32_t> rows(n_cells);
      std::iota(rows.rbegin(), rows.rend(), 0);
      TrainingOptions options;
      options.seed = 0xfedcba9876543210u;
      for (const float gamma : {1.0f, 0.0f}) {
        CAPTURE(gamma);
        options.biozero_weight = gamma;
        // The paper's probabilities, more masks, always and never.
        for (const auto& [mask_zero, mask_nonzero] :
             {std::pair(0.01f, 0.3), {0.9f, 0.5}, {1.0f, 1.0}, {0.0f, 0.0}}) {
          options.mask_zero = mask_zero;
          options.mask_nonzero = mask_nonzero;
          check_batch(data, rows, 7, options);
        }
      }
    }
  }
}
