#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/preprocess/normalise.h"
#include "kernels/cuda/preprocess/library_sizes.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

struct Measured {
  std::vector<double> sizes;
  std::vector<double> size_factors;
  LibraryStatistics statistics;
};

Measured measure(const CsrMatrix& counts) {
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const auto sizes = stream.array<double>(counts.n_cells);
  const auto factors = stream.array<double>(counts.n_cells);
  const auto statistics = stream.array<LibraryStatistics>(1);
  measure_libraries_of(device.csr, sizes.data(), factors.data(), statistics.data(), stream.context);
  return {stream.download(sizes), stream.download(factors), stream.download(statistics)[0]};
}

/// One gene, one count a cell.
CsrMatrix cells_of(const std::vector<float>& sizes) {
  maskclass::test::Dense rows;
  for (const float size : sizes) rows.push_back({size});
  return maskclass::test::from_dense(rows, 1);
}

}  // namespace

TEST_CASE("library sizes, their median and the factors are the CPU's bits for whole counts") {
  for (const auto& [n_cells, n_genes] :
       {std::pair{1, 1}, {2, 3}, {7, 40}, {33, 1}, {200, 70}, {1025, 9}}) {
    CAPTURE(n_cells);
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, n_genes, 3);
    const auto expected = maskclass::library_sizes_of(counts.view(), 1);
    const Measured found = measure(counts);
    CHECK(found.sizes == expected.sizes);
    CHECK(found.size_factors == expected.size_factors);
    CHECK(found.statistics.median == expected.median);
    CHECK(found.statistics.first_empty_cell == LibraryStatistics::kNoCell);
  }
}

TEST_CASE("the median of sizes with ties, of few cells, far apart") {
  for (const std::vector<float>& sizes : {std::vector<float>{5},
                                          {1, 2},
                                          {2, 2, 2, 2},
                                          {1, 1, 3, 3},
                                          {7, 1, 1, 1, 9},
                                          {1e-30f, 1e30f},
                                          {3, 1e20f, 1e-20f},
                                          {0.1f, 0.3f, 0.2f, 0.4f}}) {
    const CsrMatrix counts = cells_of(sizes);
    CHECK(measure(counts).statistics.median ==
          maskclass::library_sizes_of(counts.view(), 1).median);
  }
}

TEST_CASE("sums of counts that are no whole numbers are accurate, and the same each time") {
  std::mt19937_64 generator(1);
  maskclass::test::Dense rows(3, std::vector<float>(1000));
  for (auto& row : rows) {
    for (float& count : row) count = std::ldexp(static_cast<float>(generator() % 10000 + 1), -9);
    row[7] = 0.1f;
  }
  const CsrMatrix counts = maskclass::test::from_dense(rows, 1000);
  const Measured found = measure(counts);
  for (int cell = 0; cell < 3; ++cell) {
    long double exact = 0;
    for (const float count : rows[cell]) exact += count;
    // A lane adds at most 32 values, the tree five times.
    CHECK(std::abs(found.sizes[cell] - static_cast<double>(exact)) <=
          37 * 0x1p-53 * static_cast<double>(exact));
  }
  CHECK(measure(counts).sizes == found.sizes);
}

TEST_CASE("the first cell without counts is named") {
  maskclass::test::Dense rows(50, {1, 2});
  rows[31] = {0, 0};
  rows[40] = {0, 0};
  CHECK(measure(maskclass::test::from_dense(rows, 2)).statistics.first_empty_cell == 31);
  CsrMatrix counts = cells_of({1, 2, 3});
  counts.values[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK(measure(counts).statistics.first_empty_cell == 1);
  counts.values[1] = std::numeric_limits<float>::infinity();
  CHECK(measure(counts).statistics.first_empty_cell == 1);
}

TEST_CASE("library sizes refuse what they cannot work on") {
  const TestStream stream;
  const auto array = stream.array<double>(1);
  const auto statistics = stream.array<LibraryStatistics>(1);
  DeviceCsr counts;
  CHECK_THROWS_AS(measure_libraries_of(counts, array.data(), array.data(), statistics.data(), {}),
                  std::invalid_argument);
  const DeviceCounts one(cells_of({1}), stream);
  CHECK_THROWS_AS(
      measure_libraries_of(one.csr, nullptr, array.data(), statistics.data(), stream.context),
      std::invalid_argument);
}
