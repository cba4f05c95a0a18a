#include "kernels/cuda/preprocess/gene_scaling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/normalise.h"
#include "engine/preprocess/quantile.h"
#include "kernels/cuda/preprocess/normalise.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::GeneScaling;
using maskclass::test::Dense;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

struct Scaled {
  std::vector<GeneScaling> scaling;
  std::vector<float> scaled;
};

Scaled fit_and_scale(const CsrMatrix& counts, const std::vector<double>& size_factors,
                     const QuantileRange& quantiles = {}) {
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const auto factors = stream.upload(size_factors);
  const auto values = stream.array<float>(counts.values.size());
  const auto largest = stream.array<float>(counts.n_genes);
  const auto scaling = stream.array<GeneScaling>(counts.n_genes);
  GeneScalingWorkspace workspace;
  MemoryPlan plan;
  workspace.plan(plan, device.csr.n_nonzeros, device.csr.n_genes);
  plan.allocate(stream.context);
  log_normalise(device.csr, factors.data(), values.data(), largest.data(), stream.context);
  fit_gene_scaling(device.csr, values.data(), largest.data(), quantiles, workspace, scaling.data(),
                   stream.context);
  // In place, as documented.
  scale_nonzeros(device.csr.n_nonzeros, device.indices.data(), values.data(), scaling.data(),
                 values.data(), stream.context);
  return {stream.download(scaling), stream.download(values)};
}

/// Compares with the engine's own functions, bit for bit.
void check_against_engine(const CsrMatrix& counts, const std::vector<double>& size_factors,
                          const maskclass::Winsorising& quantiles = {}) {
  const auto expected = maskclass::fit_gene_scaling(counts.view(), size_factors, 1, quantiles);
  const Scaled found = fit_and_scale(counts, size_factors, {quantiles.low, quantiles.high});
  REQUIRE(found.scaling.size() == expected.size());
  for (std::size_t gene = 0; gene < expected.size(); ++gene) {
    CAPTURE(gene);
    REQUIRE(found.scaling[gene].low == expected[gene].low);
    REQUIRE(found.scaling[gene].high == expected[gene].high);
    REQUIRE(found.scaling[gene].to_scaled == expected[gene].to_scaled);
    REQUIRE(found.scaling[gene].from_scaled == expected[gene].from_scaled);
    REQUIRE(found.scaling[gene].max_count == expected[gene].max_count);
  }
  REQUIRE(found.scaled == maskclass::scale_nonzeros(counts.view(), size_factors, expected, 1));
}

}  // namespace

TEST_CASE("the scaling of random counts is the CPU's, bit for bit") {
  for (const auto& [n_cells, n_genes] :
       {std::pair{1, 1}, {1, 70}, {2, 5}, {51, 3}, {60, 257}, {300, 40}, {2100, 5}}) {
    CAPTURE(n_cells);
    CAPTURE(n_genes);
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, n_genes, 11);
    check_against_engine(counts, maskclass::library_sizes_of(counts.view(), 1).size_factors);
  }
}

TEST_CASE("quantiles at every rank: zeros, ties, the ends") {
  // Genes with 0 to 7 zeros among 7 cells, with distinct values and with equal ones.
  Dense rows(7, std::vector<float>(16, 0.0f));
  for (int gene = 0; gene < 8; ++gene) {
    for (int cell = gene; cell < 7; ++cell) {
      rows[cell][gene] = static_cast<float>(1 + (cell * 5 + gene) % 7);
      rows[cell][gene + 8] = cell % 2 == 0 ? 3.0f : 2.0f;
    }
  }
  const CsrMatrix counts = maskclass::test::from_dense(rows, 16);
  const std::vector<double> factors(7, 1.0);
  for (const double low : {0.0, 0.02, 1.0 / 6, 0.3, 0.5}) {
    for (const double high : {0.5, 2.0 / 3, 0.8, 0.995, 1.0}) {
      CAPTURE(low);
      CAPTURE(high);
      check_against_engine(counts, factors, {low, high});
    }
  }
}

TEST_CASE("constant genes, genes without counts, cells without counts") {
  Dense rows(300, {3, 0, 0, 5});
  rows[17] = {3, 0, 4, 1};
  rows[18] = {0, 0, 0, 0};
  const CsrMatrix counts = maskclass::test::from_dense(rows, 4);
  check_against_engine(counts, std::vector<double>(300, 1.0));
  const Scaled found = fit_and_scale(counts, std::vector<double>(300, 1.0));
  for (const int gene : {0, 1, 2}) CHECK(maskclass::is_constant(found.scaling[gene]));
  CHECK(found.scaling[2].max_count == 4);

  check_against_engine(maskclass::test::from_dense(Dense(3, {0, 0}), 2), {1, 1, 1});
  CsrMatrix no_genes;
  no_genes.n_cells = 1;
  no_genes.indptr = {0, 0};
  check_against_engine(no_genes, {1.0});
}

TEST_CASE("values that share their leading digits, and values far apart") {
  // Neighbouring floats differ in the last digit of the select alone.
  Dense rows;
  std::mt19937 generator(2);
  for (int cell = 0; cell < 400; ++cell) {
    const auto step = static_cast<float>(generator() % 64);
    rows.push_back({1000 + step * 0x1p-13f, std::ldexp(1.0f, static_cast<int>(cell % 200) - 100)});
  }
  const CsrMatrix counts = maskclass::test::from_dense(rows, 2);
  check_against_engine(counts, std::vector<double>(400, 1.0));
  check_against_engine(counts, std::vector<double>(400, 1.0), {0.25, 0.75});
}

TEST_CASE("the quantiles are those of a full sort in float64") {
  const CsrMatrix counts = maskclass::test::random_counts(201, 30, 8);
  const auto factors = maskclass::library_sizes_of(counts.view(), 1).size_factors;
  const Scaled found = fit_and_scale(counts, factors);
  const Dense dense = maskclass::test::to_dense(counts);
  for (int gene = 0; gene < 30; ++gene) {
    std::vector<double> x;
    for (int cell = 0; cell < 201; ++cell) {
      x.push_back(std::log2(1 + dense[cell][gene] * factors[cell]));
    }
    std::sort(x.begin(), x.end());
    const auto quantile = [&](double q) {
      const double h = 200 * q;
      const auto below = static_cast<std::size_t>(h);
      const std::size_t above = std::min<std::size_t>(below + 1, 200);
      return x[below] + (h - static_cast<double>(below)) * (x[above] - x[below]);
    };
    // Values and the result are each rounded to float32 once.
    CHECK(std::abs(found.scaling[gene].low - quantile(0.02)) <= 0x1p-23 * quantile(0.02));
    CHECK(std::abs(found.scaling[gene].high - quantile(0.995)) <= 0x1p-23 * quantile(0.995));
  }
}

TEST_CASE("the scaling refuses what it cannot work on") {
  const TestStream stream;
  const DeviceCounts device(maskclass::test::from_dense({{1}, {2}}, 1), stream);
  const auto floats = stream.array<float>(2);
  const auto scaling = stream.array<GeneScaling>(1);
  GeneScalingWorkspace workspace;
  CHECK_THROWS_AS(fit_gene_scaling(device.csr, floats.data(), floats.data(), {}, workspace,
                                   scaling.data(), stream.context),
                  std::logic_error);
  CHECK_THROWS_AS(fit_gene_scaling(device.csr, floats.data(), floats.data(), {0.02, 1.5}, workspace,
                                   scaling.data(), stream.context),
                  std::invalid_argument);
  CHECK_THROWS_AS(scale_nonzeros(2, nullptr, floats.data(), scaling.data(), floats.data(), {}),
                  std::invalid_argument);
}
