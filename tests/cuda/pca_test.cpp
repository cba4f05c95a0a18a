#include "engine/evaluate/pca.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/device/device.h"
#include "tests/evaluate/random_values.h"

using namespace maskclass;

namespace {

/// Cells in four clouds, far from the origin.
std::vector<float> made_up_values(std::int64_t n_cells, std::int64_t n_genes) {
  const std::vector<double> cloud = maskclass::test::clouds(n_cells, n_genes, 4, 6.0, 5);
  std::vector<float> values;
  for (const double value : cloud) values.push_back(static_cast<float>(10 + value));
  return values;
}

CellBlocks blocks_of(const std::vector<float>& values, std::int64_t n_genes) {
  return {static_cast<std::int64_t>(values.size()) / n_genes, n_genes,
          [&values, n_genes](std::int64_t first, std::int64_t n, float* out) {
            std::copy_n(values.data() + first * n_genes, n * n_genes, out);
          }};
}

DeviceOptions gpu() {
  DeviceOptions options;
  options.kind = Device::cuda;
  return options;
}

}  // namespace

TEST_CASE("principal components by the GPU's covariance are the processor's to rounding") {
  const std::vector<float> values = made_up_values(90, 40);
  const CellBlocks blocks = blocks_of(values, 40);
  int n_taken = 0;
  const GeneProducts on_gpu = gene_products_on(gpu());
  const auto counted = [&](const CellBlocks& of, std::span<const double> means) {
    auto products = on_gpu(of, means);
    n_taken += products ? 1 : 0;
    return products;
  };
  const PrincipalComponents expected = principal_components(blocks, 1);
  const PrincipalComponents found = principal_components(blocks, 1, counted);
  CHECK(n_taken == 1);
  REQUIRE(found.n_components == expected.n_components);
  const double largest = expected.explained_variance.front();
  for (std::size_t k = 0; k < expected.explained_variance.size(); ++k) {
    // Both sums of 90 terms are within 93 x 2^-53 of the sum of absolute values, which a gene's
    // variance bounds; an eigenvalue moves by no more than the matrix, 40 x its largest element.
    const double bound = 2 * 93 * 40 * 0x1p-53 * largest;
    CHECK(std::abs(found.explained_variance[k] - expected.explained_variance[k]) <= bound);
  }
  // The three components that separate the clouds stand alone, so that their scores are stable.
  for (std::int64_t cell = 0; cell < found.n_cells; ++cell) {
    const std::size_t at = cell * found.n_components;
    CHECK(std::abs(found.scores[at] - expected.scores[at]) <= 1e-9 * std::sqrt(largest * 90));
  }
}

TEST_CASE("with fewer cells than genes the GPU is not asked") {
  const std::vector<float> values = made_up_values(20, 40);
  bool asked = false;
  const auto elsewhere = [&](const CellBlocks&, std::span<const double>) {
    asked = true;
    return std::optional<std::vector<double>>();
  };
  principal_components(blocks_of(values, 40), 1, elsewhere);
  CHECK_FALSE(asked);
}
