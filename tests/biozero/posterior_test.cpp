#include "engine/biozero/posterior.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"
#include "tests/biozero/sample.h"

using namespace maskclass;

TEST_CASE("the posterior is the paper's formula") {
  for (const double mean : {1e-6, 0.01, 0.5, 1.0, 3.0, 20.0, 500.0}) {
    for (const double phi : {0.01, 0.3, 1.0, 8.0}) {
      for (const double a : {-8.0, 0.0, 2.5}) {
        for (const double b : {0.0, 0.8, 3.0}) {
          for (const double log_library : {-1.5, 0.0, 2.0}) {
            const DropoutModel model{{mean}, {phi}, a, b};
            const long double mu = mean * std::exp(static_cast<long double>(log_library));
            const long double delta = 1 / (1 + std::exp(b * std::log(mu) - a));
            const long double none = std::pow(1 + phi * mu, -1.0L / phi);
            const auto expected =
                static_cast<double>((1 - delta) * none / (delta + (1 - delta) * none));
            const double p = biozero_probability(model, 0, log_library);
            // The logit is at most a few hundred, so that rounding it costs 1e-13 of p.
            CHECK(std::abs(p - expected) <= 1e-13 * expected + 1e-18);
          }
        }
      }
    }
  }
}

TEST_CASE("the posterior stays within [0, 1] for every mean, and has its limits") {
  for (const double mean : {0.0, 1e-300, 1e-30, 1e30, 1e300}) {
    for (const double phi : {1e-2, 1.0, 1e6}) {
      for (const double a : {-600.0, -30.0, 0.0, 600.0}) {
        for (const double b : {0.0, 1.0, 20.0}) {
          for (const double log_library : {-80.0, 0.0, 80.0}) {
            const double p = biozero_probability({{mean}, {phi}, a, b}, 0, log_library);
            CHECK(p >= 0);
            CHECK(p <= 1);
          }
        }
      }
    }
  }
  CHECK(biozero_probability({{0.0}, {1.0}, 0.0, 1.0}, 0, 0.0) == 0);
  CHECK(biozero_probability({{0.0}, {1.0}, 0.0, 0.0}, 0, 0.0) == 0.5);
  // Without dropout every zero is biological.
  CHECK(biozero_probability({{2.0}, {1.0}, -30.0, 0.0}, 0, 0.0) > 1 - 1e-12);
}

TEST_CASE("the cell sparsity adjustment by hand") {
  // Cell k of 21 has k of 20 genes: zero fractions 1, 0.95, ..., 0. Of these the 5th percentile is
  // 0.05 and the 95th 0.95.
  std::vector<std::vector<float>> dense(21, std::vector<float>(20));
  for (int cell = 0; cell <= 20; ++cell) {
    for (int gene = 0; gene < cell; ++gene) dense[cell][gene] = 1;
  }
  const CsrMatrix counts = testing::to_csr(dense);
  const std::vector<double> shrinkage = sparsity_shrinkage(counts.view(), 0.3);
  REQUIRE(shrinkage.size() == 21);
  for (int cell = 0; cell <= 20; ++cell) {
    const double z = std::min(1.0, std::max(0.0, (1 - cell / 20.0 - 0.05) / 0.9));
    CHECK(std::abs(shrinkage[cell] - (1 - 0.3 * z)) < 1e-14);
  }
  CHECK(shrinkage[0] == 0.7);
  CHECK(shrinkage[20] == 1.0);
}

TEST_CASE("percentiles interpolate between order statistics") {
  // Zero fractions 0 and 1 of two cells: percentiles 0.05 and 0.95, so z is clamped to 0 and 1.
  // Three cells 0, 1/4, 1: percentiles 0.025 and 0.925, so the middle one has z = 0.225 / 0.9.
  const CsrMatrix counts = testing::to_csr({{1, 1, 1, 1}, {0, 1, 1, 1}, {0, 0, 0, 0}});
  const std::vector<double> shrinkage = sparsity_shrinkage(counts.view(), 1.0);
  CHECK(shrinkage[0] == 1);
  CHECK(std::abs(shrinkage[1] - 0.75) < 1e-14);
  CHECK(shrinkage[2] == 0);
}

TEST_CASE("cells that are equally sparse are not adjusted") {
  const CsrMatrix counts = testing::to_csr({{1, 0}, {0, 2}, {3, 0}});
  CHECK(sparsity_shrinkage(counts.view(), 0.3) == std::vector<double>{1, 1, 1});
  CHECK(sparsity_shrinkage(testing::to_csr({{1, 0}}).view(), 0.3) == std::vector<double>{1});
  CHECK(sparsity_shrinkage(CsrMatrix{}.view(), 0.3).empty());
  CHECK_THROWS_AS(sparsity_shrinkage(counts.view(), 1.5), Error);
  CHECK_THROWS_AS(sparsity_shrinkage(counts.view(), std::nan("")), Error);
}
