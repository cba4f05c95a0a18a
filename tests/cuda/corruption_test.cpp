#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "kernels/cuda/data_memory.h"
#include "tests/cuda/corrupted_tiles.h"
#include "tests/cuda/device_data.h"
#include "tests/kernels/made_up_data.h"
#include "tests/kernels/reference_network.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::cuda::test::CorruptedTile;
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

/// The corrupted tiles of one batch.
struct Tiles {
  std::vector<CorruptedTile> tiles;
  int n_tiles;

  Tiles(const ScaledData& data, const std::vector<std::uint32_t>& rows, std::uint32_t epoch,
        const TrainingOptions& options)
      : n_tiles(static_cast<int>((rows.size() + kTileCells - 1) / kTileCells)) {
    const TestStream stream;
    MemoryPlan plan;
    DataMemory memory(data.n_cells, static_cast<std::int64_t>(data.scaled.size()), data.n_genes,
                      plan);
    plan.allocate(stream.context);
    memory.copy(data, stream.context);
    const auto device_rows = stream.upload(rows);
    const Columns columns = memory.view();
    const auto device_tiles =
        stream.array<CorruptedTile>(static_cast<std::size_t>(columns.n_slices) * n_tiles);
    cuda::test::corrupt_tiles(columns, corruption_of(options), epoch, device_rows.data(),
                              static_cast<int>(rows.size()), device_tiles.data(),
                              stream.context.stream);
    tiles = stream.download(device_tiles);
  }

  const CorruptedTile& of(std::int64_t cell, std::int32_t gene) const {
    const std::int64_t slice = gene / kSliceGenes;
    return tiles[slice * n_tiles + cell / kTileCells];
  }
};

/// Compares every entry and every sum with the formulas, exactly.
void check_batch(const ScaledData& data, const std::vector<std::uint32_t>& rows,
                 std::uint32_t epoch, const TrainingOptions& options) {
  const Tiles ours(data, rows, epoch, options);
  const auto exact = maskclass::test::corrupt(data, rows, epoch, options);
  std::int64_t differences = 0, masked_zeros = 0, masked_nonzeros = 0;
  std::int64_t expected_zeros = 0, expected_nonzeros = 0;
  double biozero = 0, expected_biozero = 0;
  for (std::int64_t cell = 0; cell < exact.n_cells; ++cell) {
    for (std::int32_t gene = 0; gene < data.n_genes; ++gene) {
      const std::size_t k = cell * data.n_genes + gene;
      const CorruptedTile& tile = ours.of(cell, gene);
      const int row = static_cast<int>(cell % kTileCells);
      const int column = gene % kSliceGenes;
      const bool masked = (tile.masked[row] >> column & 1u) != 0;
      const bool present = (tile.present[row] >> column & 1u) != 0;
      const float weight = !masked ? 0.0f : present ? options.nonzero_weight : options.zero_weight;
      // With gamma 0 no biozero probability counts, and none is kept.
      const float p = options.biozero_weight == 0.0f ? 0.0f : exact.biozero[k];
      differences +=
          !(same_bits(tile.input[row][column], exact.input[k]) &&
            same_bits(tile.target[row][column], exact.target[k]) &&
            same_bits(weight, exact.mask_weight[k]) && same_bits(tile.biozero[row][column], p));
      expected_zeros += exact.mask_weight[k] == options.zero_weight;
      expected_nonzeros += exact.mask_weight[k] == options.nonzero_weight;
      expected_biozero += static_cast<double>(p);
    }
  }
  for (const CorruptedTile& tile : ours.tiles) {
    masked_zeros += tile.sums.masked_zeros;
    masked_nonzeros += tile.sums.masked_nonzeros;
    biozero += static_cast<double>(tile.sums.biozero);
  }
  CHECK(differences == 0);
  CHECK(masked_zeros == expected_zeros);
  CHECK(masked_nonzeros == expected_nonzeros);
  // Each tile adds at most 1024 terms in float32.
  CHECK(std::abs(biozero - expected_biozero) <= expected_biozero * 1024 * 0x1p-24);
}

}  // namespace

// The CPU backend is held to the same formulas, bit for bit: tests/kernels/corruption_test.cpp.
TEST_CASE("masks, corrupted inputs and weights are those of the formulas, bit for bit") {
  for (const std::int32_t n_genes : {1, 31, 32, 33, 130}) {
    for (const std::int64_t n_cells : {1, 32, 45}) {
      CAPTURE(n_genes);
      CAPTURE(n_cells);
      const maskclass::test::MadeUpData made_up(n_cells, n_genes);
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
