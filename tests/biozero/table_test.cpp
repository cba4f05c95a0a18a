#include "engine/biozero/table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "engine/biozero/posterior.h"
#include "engine/error.h"
#include "kernels/math/biozero.h"
#include "tests/biozero/sample.h"

using namespace maskclass;

namespace {

/// What float32 costs: rounded coefficients, basis and sum.
constexpr double kRounding = 2e-6;

/// Cells evenly spread in ln l over +-half_range, without adjustment.
std::vector<double> spread_libraries(double half_range) {
  std::vector<double> factors;
  for (int i = 0; i <= 100; ++i) factors.push_back(std::exp(half_range * (i - 50) / 50.0));
  return factors;
}

float evaluate(const BiozeroTable& table, std::int64_t cell, std::int64_t gene) {
  float basis[kBiozeroTerms];
  chebyshev_basis(table.position[cell], basis);
  return biozero_from_basis(basis, 1, &table.coefficients[gene * kBiozeroTerms],
                            table.shrink[cell]);
}

double largest_error_at_cells(const BiozeroTable& table, const DropoutModel& model,
                              const std::vector<double>& factors) {
  double largest = 0;
  for (std::size_t gene = 0; gene < model.mean.size(); ++gene) {
    for (std::size_t cell = 0; cell < factors.size(); ++cell) {
      const double exact = biozero_probability(model, gene, std::log(factors[cell]));
      const double error = std::abs(evaluate(table, cell, gene) - exact);
      if (std::isnan(error)) return error;
      largest = std::max(largest, error);
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("the interpolation error is below the bound of its domain of analyticity") {
  // In the complex plane |Im logit p| <= (b + 1/phi) |Im ln l| while |Im ln l| < pi; where that is
  // below pi / 2, |p| <= 1. So p is bounded by 1 in every Bernstein ellipse of height
  // pi / (2 (b + 1/phi)), and the interpolant of degree n is within 4 rho^-n / (rho - 1) of it
  // (Trefethen 2013, Approximation Theory and Approximation Practice, Theorem 8.2).
  for (const double half_range : {0.1, 0.3, 0.6, 1.0}) {
    for (const double phi : {0.5, 1.0, 4.0}) {
      for (const double b : {0.3, 1.0, 2.0}) {
        DropoutModel model{{}, {}, 1.0, b};
        for (const double mean : {0.01, 0.3, 1.0, 3.0, 10.0, 100.0}) {
          model.mean.push_back(mean);
          model.dispersion.push_back(phi);
        }
        const std::vector<double> factors = spread_libraries(half_range);
        const BiozeroTable table =
            tabulate(model, factors, std::vector<double>(factors.size(), 1.0), 1);
        const double height =
            std::min(std::numbers::pi / (2 * (b + 1 / phi)), std::numbers::pi) / half_range;
        const double rho = height + std::sqrt(height * height + 1);
        const double bound = 4 * std::pow(rho, 1 - kBiozeroTerms) / (rho - 1);
        CAPTURE(bound);
        CHECK(table.largest_error <= bound + kRounding);
        CHECK(largest_error_at_cells(table, model, factors) <= bound + kRounding);
      }
    }
  }
}

TEST_CASE("a data set like the real ones is tabulated to 1e-5") {
  // Parameters as fitted to the real sets of docs/biozero.md.
  DropoutModel model{{}, {}, 2.2, 0.7};
  for (int gene = 0; gene < 50; ++gene) {
    model.mean.push_back(std::exp(1 + 1.5 * testing::normal(1, gene)));
    model.dispersion.push_back(std::exp(0.7 * testing::normal(2, gene)));
  }
  const std::vector<double> factors = testing::library_factors(2000, 0.5, 3);
  const BiozeroTable table = tabulate(model, factors, std::vector<double>(2000, 1.0), 1);
  CHECK(table.largest_error < 1e-5f);
  CHECK(largest_error_at_cells(table, model, factors) < 1e-5);
  CHECK(table.log_low == std::log(*std::min_element(factors.begin(), factors.end())));
  CHECK(table.log_high == std::log(*std::max_element(factors.begin(), factors.end())));
}

TEST_CASE("the largest error is measured where the polynomial is wrong") {
  // A cliff that 16 terms cannot follow: reported, and p is a probability all the same.
  const DropoutModel model{{5.0}, {0.01}, 32.0, 20.0};
  const std::vector<double> factors = spread_libraries(2.0);
  const BiozeroTable table = tabulate(model, factors, std::vector<double>(factors.size(), 1.0), 1);
  const double error = largest_error_at_cells(table, model, factors);
  CHECK(error > 0.01);
  CHECK(table.largest_error > 0.5 * error);
  for (std::size_t cell = 0; cell < factors.size(); ++cell) {
    CHECK(evaluate(table, cell, 0) >= 0.0f);
    CHECK(evaluate(table, cell, 0) <= 1.0f);
  }
}

TEST_CASE("the adjustment multiplies") {
  const DropoutModel model{{1.0}, {1.0}, 0.0, 1.0};
  const std::vector<double> factors = {0.5, 1.0, 2.0};
  const BiozeroTable table = tabulate(model, factors, std::vector<double>{1.0, 0.75, 0.0}, 1);
  CHECK(table.shrink == std::vector<float>{1.0f, 0.75f, 0.0f});
  CHECK(table.position == std::vector<float>{-1.0f, 0.0f, 1.0f});
  const double p = biozero_probability(model, 0, 0.0);
  CHECK(std::abs(evaluate(table, 1, 0) - 0.75 * p) < kRounding);
  CHECK(evaluate(table, 2, 0) == 0.0f);
}

TEST_CASE("cells that share one library size") {
  const DropoutModel model{{0.0, 1.0, 50.0}, {1.0, 1.0, 0.2}, 1.0, 1.0};
  for (const std::size_t n_cells : {1, 3}) {
    const std::vector<double> factors(n_cells, 1.0);
    const BiozeroTable table = tabulate(model, factors, std::vector<double>(n_cells, 1.0), 1);
    CHECK(table.position == std::vector<float>(n_cells, 0.0f));
    CHECK(table.largest_error < kRounding);
    CHECK(largest_error_at_cells(table, model, factors) < kRounding);
  }
}

TEST_CASE("no cells, no genes, and sizes that disagree") {
  const DropoutModel model{{1.0}, {1.0}, 0.0, 1.0};
  CHECK(tabulate(model, {}, {}, 1).position.empty());
  const std::vector<double> one(1, 1.0);
  CHECK(tabulate(DropoutModel{}, one, one, 1).coefficients.empty());
  CHECK_THROWS_AS(tabulate(model, one, std::vector<double>(2, 1.0), 1), Error);
}

TEST_CASE("the table does not depend on the number of threads") {
  DropoutModel model{{}, {}, 1.5, 0.9};
  for (int gene = 0; gene < 61; ++gene) {
    model.mean.push_back(std::exp(testing::normal(4, gene)));
    model.dispersion.push_back(0.5);
  }
  const std::vector<double> factors = testing::library_factors(97, 0.5, 5);
  const std::vector<double> shrink(97, 0.9);
  const BiozeroTable one = tabulate(model, factors, shrink, 1);
  for (const int n_threads : {2, 3, 4}) {
    const BiozeroTable other = tabulate(model, factors, shrink, n_threads);
    CHECK(other.coefficients == one.coefficients);
    CHECK(other.position == one.position);
    CHECK(other.largest_error == one.largest_error);
  }
}
