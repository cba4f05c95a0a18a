#include "engine/preprocess/gene_scaling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/preprocess/normalise.h"
#include "engine/preprocess/quantile.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::GeneScaling;
using maskclass::test::Dense;

namespace {

/// numpy.quantile's default on a full sort.
double brute_force_quantile(std::vector<float> values, double q) {
  std::sort(values.begin(), values.end());
  const double h = static_cast<double>(values.size() - 1) * q;
  const auto below = static_cast<std::size_t>(h);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] +
         (h - static_cast<double>(below)) * (static_cast<double>(values[above]) - values[below]);
}

std::vector<float> log_values(const Dense& counts, const std::vector<double>& factors,
                              std::int64_t gene) {
  std::vector<float> x;
  for (std::size_t cell = 0; cell < counts.size(); ++cell) {
    x.push_back(maskclass::log_normalised(counts[cell][gene], factors[cell]));
  }
  return x;
}

/// Section 2.4 to the letter, in float64: winsorise, standardise, rescale to [-1, 1].
std::vector<double> scaled_in_three_steps(const std::vector<float>& x) {
  const double low = brute_force_quantile(x, 0.02);
  const double high = brute_force_quantile(x, 0.995);
  std::vector<double> z(x.begin(), x.end());
  for (double& value : z) value = std::clamp(value, low, high);
  double mean = 0;
  for (const double value : z) mean += value / static_cast<double>(z.size());
  double variance = 0;
  for (const double value : z)
    variance += (value - mean) * (value - mean) / static_cast<double>(z.size());
  for (double& value : z) value = (value - mean) / std::max(std::sqrt(variance), 1e-8);
  const auto [smallest, largest] = std::minmax_element(z.begin(), z.end());
  const double first = *smallest;
  const double range = std::max(*largest - *smallest, 1e-8);
  for (double& value : z) value = 2 * (value - first) / range - 1;
  return z;
}

}  // namespace

TEST_CASE("quantiles with implicit zeros are numpy's on the dense values") {
  std::mt19937_64 generator(1);
  for (const int n : {1, 2, 3, 5, 50, 51, 200, 201, 1000}) {
    for (const int n_zeros : {0, 1, n / 2, n - 1, n}) {
      if (n_zeros > n) continue;
      std::vector<float> dense(n, 0.0f);
      for (int k = n_zeros; k < n; ++k) {
        // Few distinct values, so that ties occur.
        dense[k] = 1.0f + static_cast<float>(generator() % 20) / 3;
      }
      for (const double q : {0.0, 0.02, 0.25, 0.5, 0.75, 0.995, 1.0}) {
        CAPTURE(n);
        CAPTURE(n_zeros);
        CAPTURE(q);
        std::vector<float> nonzeros(dense.begin() + n_zeros, dense.end());
        // The same formula in float64 on the same numbers.
        CHECK(maskclass::quantile_with_zeros(std::span(nonzeros), n_zeros, q) ==
              doctest::Approx(brute_force_quantile(dense, q)).epsilon(1e-14));
      }
    }
  }
  std::vector<double> signed_values{3, -1, -2, 8};
  CHECK(maskclass::quantile(std::span(signed_values), 0.5) == 1);
}

TEST_CASE("the fit finds each gene's quantiles and largest count") {
  for (const int n_cells : {1, 2, 7, 60, 301}) {
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, 40, 11);
    const Dense dense = maskclass::test::to_dense(counts);
    const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
    const auto scaling = maskclass::fit_gene_scaling(counts.view(), libraries.size_factors, 2);
    REQUIRE(scaling.size() == 40);
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
      const std::vector<float> x = log_values(dense, libraries.size_factors, gene);
      CHECK(scaling[gene].low == static_cast<float>(brute_force_quantile(x, 0.02)));
      CHECK(scaling[gene].high == static_cast<float>(brute_force_quantile(x, 0.995)));
      float largest = 0;
      for (const auto& row : dense) largest = std::max(largest, row[gene]);
      CHECK(scaling[gene].max_count == largest);
    }
  }
}

TEST_CASE("scaled values are those of the paper's three steps") {
  const CsrMatrix counts = maskclass::test::random_counts(300, 40, 12);
  const Dense dense = maskclass::test::to_dense(counts);
  const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
  const auto scaling = maskclass::fit_gene_scaling(counts.view(), libraries.size_factors, 1);
  const auto scaled = maskclass::scale_nonzeros(counts.view(), libraries.size_factors, scaling, 1);
  int n_compared = 0;
  for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
    const std::vector<float> x = log_values(dense, libraries.size_factors, gene);
    const std::vector<double> reference = scaled_in_three_steps(x);
    const GeneScaling& map = scaling[gene];
    if (maskclass::is_constant(map)) continue;
    // low, high and the two operations are each rounded to 2^-24; the rounding of low and high
    // counts by how small the range is beside them.
    const double tolerance = 0x1p-24 * (8 + 4 * map.high / (map.high - map.low));
    for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
      CHECK(std::abs(maskclass::scale(x[cell], map) - reference[cell]) <= tolerance);
      ++n_compared;
    }
  }
  CHECK(n_compared > 5000);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t k = counts.indptr[cell]; k < counts.indptr[cell + 1]; ++k) {
      const std::int32_t gene = counts.indices[k];
      const float x = maskclass::log_normalised(counts.values[k], libraries.size_factors[cell]);
      REQUIRE(scaled[k] == maskclass::scale(x, scaling[gene]));
    }
  }
}

TEST_CASE("scaling clamps, its inverse does not, and between the bounds they undo each other") {
  const GeneScaling gene = maskclass::make_gene_scaling(0.5f, 3.25f, 12);
  CHECK(maskclass::scale(0.0f, gene) == maskclass::kScaledZero);
  CHECK(maskclass::scale(0.5f, gene) == -1);
  CHECK(maskclass::scale(3.25f, gene) == 1);
  CHECK(maskclass::scale(9.0f, gene) == 1);
  CHECK(maskclass::inverse_scale(-1.0f, gene) == 0.5f);
  CHECK(maskclass::inverse_scale(1.0f, gene) == 3.25f);
  CHECK(maskclass::inverse_scale(3.0f, gene) == 6.0f);
  CHECK(maskclass::inverse_scale(-2.0f, gene) == -0.875f);
  for (int step = 0; step <= 275; ++step) {
    const float x = 0.5f + 0.01f * static_cast<float>(step);
    if (x > gene.high) break;
    // Two roundings each way of numbers up to 3.25.
    CHECK(std::abs(maskclass::inverse_scale(maskclass::scale(x, gene), gene) - x) <=
          4 * 3.25 * 0x1p-24);
  }
}

TEST_CASE("scaled values never leave [-1, 1]") {
  std::mt19937_64 generator(3);
  std::uniform_real_distribution<float> value(0.0f, 15.0f);
  for (int trial = 0; trial < 20000; ++trial) {
    const float a = value(generator);
    const float b = value(generator);
    const GeneScaling gene = maskclass::make_gene_scaling(std::min(a, b), std::max(a, b), 1);
    REQUIRE(maskclass::scale(std::max(a, b), gene) <= 1.0f);
    REQUIRE(maskclass::scale(value(generator), gene) >= -1.0f);
    REQUIRE(maskclass::scale(0.0f, gene) == -1.0f);
  }
}

TEST_CASE("constant genes are scaled to -1 and rebuilt as their constant") {
  // Gene 0 is 3 in every cell of equal size, gene 1 all zero, gene 2 rarer than the quantile sees.
  Dense rows(300, {3, 0, 0, 5});
  rows[17] = {3, 0, 4, 1};
  const CsrMatrix counts = maskclass::test::from_dense(rows, 4);
  const std::vector<double> factors(300, 1.0);
  const auto scaling = maskclass::fit_gene_scaling(counts.view(), factors, 2);
  for (const int gene : {0, 1, 2}) {
    CHECK(maskclass::is_constant(scaling[gene]));
    CHECK(maskclass::scale(7.0f, scaling[gene]) == -1);
    CHECK(maskclass::inverse_scale(123.0f, scaling[gene]) == scaling[gene].low);
  }
  CHECK(scaling[0].low == 2);
  CHECK(scaling[1].low == 0);
  CHECK(scaling[2].max_count == 4);

  CHECK(maskclass::is_constant(maskclass::make_gene_scaling(0, 0.9e-8f, 1)));
  CHECK_FALSE(maskclass::is_constant(maskclass::make_gene_scaling(0, 1.1e-8f, 1)));
}

TEST_CASE("the scaling does not depend on the number of threads") {
  const CsrMatrix counts = maskclass::test::random_counts(150, 83, 5);
  const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
  const auto one = maskclass::fit_gene_scaling(counts.view(), libraries.size_factors, 1);
  const auto scaled = maskclass::scale_nonzeros(counts.view(), libraries.size_factors, one, 1);
  for (const int n_threads : {2, 3, 4, 200}) {
    const auto many = maskclass::fit_gene_scaling(counts.view(), libraries.size_factors, n_threads);
    for (std::size_t gene = 0; gene < one.size(); ++gene) {
      REQUIRE(many[gene].low == one[gene].low);
      REQUIRE(many[gene].high == one[gene].high);
      REQUIRE(many[gene].max_count == one[gene].max_count);
    }
    CHECK(maskclass::scale_nonzeros(counts.view(), libraries.size_factors, one, n_threads) ==
          scaled);
  }
}
