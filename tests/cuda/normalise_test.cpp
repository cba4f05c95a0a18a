#include "kernels/cuda/preprocess/normalise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/preprocess/normalise.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

struct Normalised {
  std::vector<float> log2_values;
  std::vector<float> largest_counts;
};

Normalised normalise(const CsrMatrix& counts, const std::vector<double>& size_factors) {
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const auto factors = stream.upload(size_factors);
  const auto values = stream.array<float>(counts.values.size());
  const auto largest = stream.array<float>(counts.n_genes);
  log_normalise(device.csr, factors.data(), values.data(), largest.data(), stream.context);
  return {stream.download(values), stream.download(largest)};
}

void check(const CsrMatrix& counts, const std::vector<double>& size_factors) {
  const Normalised found = normalise(counts, size_factors);
  std::vector<float> largest(counts.n_genes, 0.0f);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t k = counts.indptr[cell]; k < counts.indptr[cell + 1]; ++k) {
      float& most = largest[counts.indices[k]];
      most = std::max(most, counts.values[k]);
      // The CPU's bits ...
      REQUIRE(found.log2_values[k] ==
              maskclass::log_normalised(counts.values[k], size_factors[cell]));
      // ... which are those of the C library's log2, or at most its neighbours.
      const double exact = std::log2(1 + counts.values[k] * size_factors[cell]);
      REQUIRE(std::abs(found.log2_values[k] - exact) <= (0x1p-24 + 0x1p-50) * exact);
    }
  }
  CHECK(found.largest_counts == largest);
}

}  // namespace

TEST_CASE("log2 values are the CPU's bits, and the largest counts are found") {
  for (const auto& [n_cells, n_genes] : {std::pair{1, 1}, {1, 100}, {100, 1}, {9, 33}, {257, 65}}) {
    CAPTURE(n_cells);
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, n_genes, 5);
    check(counts, maskclass::library_sizes_of(counts.view(), 1).size_factors);
  }
}

TEST_CASE("extreme counts and factors, cells without counts, genes without counts") {
  check(maskclass::test::from_dense({{1e30f, 0, 1e-30f}, {0, 0, 0}, {16777216, 0, 0.5f}}, 3),
        {1e-3, 1.0, 1e6});
  check(maskclass::test::from_dense({{0, 0, 0}}, 3), {1.0});
  CsrMatrix no_genes;
  no_genes.n_cells = 2;
  no_genes.indptr = {0, 0, 0};
  check(no_genes, {1.0, 1.0});
}

TEST_CASE("normalisation refuses missing arrays") {
  const TestStream stream;
  const DeviceCounts device(maskclass::test::from_dense({{1}}, 1), stream);
  const auto largest = stream.array<float>(1);
  CHECK_THROWS_AS(log_normalise(device.csr, nullptr, largest.data(), largest.data(), {}),
                  std::invalid_argument);
  DeviceCsr broken = device.csr;
  broken.indices = nullptr;
  CHECK_THROWS_AS(log_normalise(broken, nullptr, largest.data(), largest.data(), {}),
                  std::invalid_argument);
}
