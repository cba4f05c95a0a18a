#include "engine/biozero/moments.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/biozero/posterior.h"
#include "engine/error.h"
#include "tests/biozero/sample.h"

using namespace maskclass;

namespace {

bool all_finite(const DropoutModel& model) {
  bool finite = std::isfinite(model.a) && std::isfinite(model.b) && model.b >= 0;
  for (const double mean : model.mean) finite = finite && std::isfinite(mean) && mean >= 0;
  for (const double phi : model.dispersion) finite = finite && std::isfinite(phi) && phi >= 1e-2;
  return finite;
}

}  // namespace

TEST_CASE("moments of three cells by hand") {
  const CsrMatrix counts = testing::to_csr({{1, 2, 0, 0}, {4, 1, 0, 0}, {0, 20, 6, 0}});
  const std::vector<double> library_factor = {0.5, 1, 2};
  const DropoutModel model = fit_moments(counts.view(), library_factor, 1);
  // c/l: gene 0 has 2, 4; gene 1 has 4, 1, 10; gene 2 has 3; gene 3 nothing.
  CHECK(model.mean == std::vector<double>{3, 5, 3, 0});
  const double phi_0 = (2.0 - 3.0) / 9.0;
  const double phi_1 = (21.0 - 5.0) / 25.0;
  const double median = (phi_0 + phi_1) / 2;  // of the two genes with two non-zeros
  const double expected[] = {(2 * phi_0 + 50 * median) / 52, (3 * phi_1 + 50 * median) / 53, median,
                             median};
  for (int gene = 0; gene < 4; ++gene) {
    CHECK(std::abs(model.dispersion[gene] - expected[gene]) < 1e-14);
  }
  CHECK(all_finite(model));
}

TEST_CASE("dispersion has a floor") {
  // Counts that do not vary: phi = -1/mu before the floor.
  const CsrMatrix counts = testing::to_csr({{3, 0}, {3, 7}, {3, 7}, {0, 7}});
  const DropoutModel model = fit_moments(counts.view(), std::vector<double>(4, 1.0), 1);
  CHECK(model.dispersion == std::vector<double>{1e-2, 1e-2});
  CHECK(all_finite(model));
}

TEST_CASE("the smallest and emptiest inputs give a finite model") {
  const auto fit = [](const std::vector<std::vector<float>>& dense) {
    return fit_moments(testing::to_csr(dense).view(), std::vector<double>(dense.size(), 1.0), 2);
  };
  for (const auto& dense :
       std::vector<std::vector<std::vector<float>>>{{{5}},
                                                    {{0}},
                                                    {{5, 0, 1}},
                                                    {{5}, {0}, {2}},
                                                    {{0, 0}, {0, 0}},
                                                    {{1, 2}, {3, 4}},
                                                    {{1, 0}, {0, 0}, {0, 1}},
                                                    {{16777216, 0}, {0, 1}, {1, 0}}}) {
    const DropoutModel model = fit(dense);
    CHECK(all_finite(model));
    for (std::size_t gene = 0; gene < dense[0].size(); ++gene) {
      const double p = biozero_probability(model, static_cast<std::int64_t>(gene), 0.0);
      CHECK(p >= 0);
      CHECK(p <= 1);
    }
  }
}

TEST_CASE("the model does not depend on the number of threads") {
  std::vector<std::vector<float>> dense(101, std::vector<float>(37));
  for (int cell = 0; cell < 101; ++cell) {
    for (int gene = 0; gene < 37; ++gene) {
      dense[cell][gene] = static_cast<float>(
          std::max(0.0, std::floor(10 * testing::uniform(1, cell, gene) - 0.2 * gene)));
    }
  }
  const CsrMatrix counts = testing::to_csr(dense);
  const std::vector<double> library_factor = testing::library_factors(101, 0.5, 2);
  const DropoutModel one = fit_moments(counts.view(), library_factor, 1);
  CHECK(all_finite(one));
  for (const int n_threads : {2, 3, 4}) {
    const DropoutModel other = fit_moments(counts.view(), library_factor, n_threads);
    CHECK(other.mean == one.mean);
    CHECK(other.dispersion == one.dispersion);
    CHECK(other.a == one.a);
    CHECK(other.b == one.b);
  }
}

TEST_CASE("library factors that cannot be are refused") {
  const CsrMatrix counts = testing::to_csr({{1, 0}, {2, 3}});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, nan, HUGE_VAL}) {
    CHECK_THROWS_WITH_AS(fit_moments(counts.view(), std::vector<double>{1.0, bad}, 1),
                         doctest::Contains("cell 2"), Error);
  }
  CHECK_THROWS_AS(fit_moments(counts.view(), std::vector<double>{1.0}, 1), Error);
}
