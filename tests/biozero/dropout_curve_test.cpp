#include "engine/biozero/dropout_curve.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/biozero/sample.h"

using namespace maskclass;

namespace {

/// Genes and cells with zeros drawn from the model of (a, b).
struct Simulation {
  std::vector<double> factors;
  std::vector<double> mean;
  std::vector<double> dispersion;
  std::vector<double> zero_rate;

  Simulation(int n_genes, int n_cells, double a, double b, std::uint64_t seed)
      : factors(testing::library_factors(n_cells, 0.4, seed)) {
    for (int gene = 0; gene < n_genes; ++gene) {
      mean.push_back(std::exp(1 + 1.5 * testing::normal(seed + 1, gene)));
      dispersion.push_back(std::exp(-1 + 0.5 * testing::normal(seed + 2, gene)));
      int zeros = 0;
      for (int cell = 0; cell < n_cells; ++cell) {
        const double p =
            testing::zero_probability<double>(mean[gene] * factors[cell], dispersion[gene], a, b);
        zeros += testing::uniform(seed + 3, cell, gene) < p;
      }
      zero_rate.push_back(static_cast<double>(zeros) / n_cells);
    }
  }

  ZeroRates rates() const { return {mean, dispersion, zero_rate}; }

  DropoutCurve fit(int n_threads = 1) const {
    return fit_dropout_curve(rates(), gauss_quadrature(testing::logarithms(factors), 32, n_threads),
                             n_threads);
  }

  /// P_j as the mean over all cells, no quadrature.
  template <class Real>
  Real mean_zero_probability(std::size_t gene, Real a, Real b) const {
    Real sum = 0;
    for (const double factor : factors) {
      sum += testing::zero_probability<Real>(mean[gene] * factor, dispersion[gene], a, b);
    }
    return sum / factors.size();
  }

  /// Log likelihood a gene and cell.
  long double log_likelihood(long double a, long double b) const {
    long double sum = 0;
    for (std::size_t gene = 0; gene < mean.size(); ++gene) {
      const long double p = mean_zero_probability(gene, a, b);
      sum += zero_rate[gene] * std::log(p) + (1 - zero_rate[gene]) * std::log1p(-p);
    }
    return sum / mean.size();
  }
};

}  // namespace

TEST_CASE("the fit is the maximum of the likelihood summed over cells") {
  const Simulation simulation(60, 80, 1.0, 1.2, 10);
  const DropoutCurve curve = simulation.fit();
  // Central differences: truncation h^2/6 f''' and rounding 1e-19/h are both below 1e-9.
  const long double h = 1e-4L;
  const auto at = [&](long double a, long double b) { return simulation.log_likelihood(a, b); };
  const long double da = (at(curve.a + h, curve.b) - at(curve.a - h, curve.b)) / (2 * h);
  const long double db = (at(curve.a, curve.b + h) - at(curve.a, curve.b - h)) / (2 * h);
  CHECK(std::abs(static_cast<double>(da)) < 1e-8);
  CHECK(std::abs(static_cast<double>(db)) < 1e-8);
  const long double best = at(curve.a, curve.b);
  for (const double a : {-4.0, -1.0, 0.0, 1.0, 3.0, 6.0}) {
    for (const double b : {0.0, 0.5, 1.0, 1.5, 4.0, 10.0}) CHECK(best > at(a, b));
  }
}

TEST_CASE("the fit recovers the curve that the zeros were drawn from") {
  struct Curve {
    double a, b;
  };
  for (const Curve truth : {Curve{1.0, 0.5}, Curve{2.0, 1.5}, Curve{-1.0, 1.0}, Curve{3, 4}}) {
    CAPTURE(truth.a);
    CAPTURE(truth.b);
    const Simulation simulation(150, 300, truth.a, truth.b, 20);
    const DropoutCurve curve = simulation.fit();
    // The covariance is at most the inverse of the Fisher information
    // sum_j N / (P (1 - P)) grad P grad P^T: at most, since cells that differ in P vary less in
    // their sum than cells that share its mean.
    double aa = 0;
    double ab = 0;
    double bb = 0;
    const double h = 1e-4;
    for (std::size_t gene = 0; gene < simulation.mean.size(); ++gene) {
      const auto p = [&](double a, double b) {
        return simulation.mean_zero_probability(gene, a, b);
      };
      const double da = (p(truth.a + h, truth.b) - p(truth.a - h, truth.b)) / (2 * h);
      const double db = (p(truth.a, truth.b + h) - p(truth.a, truth.b - h)) / (2 * h);
      const double centre = p(truth.a, truth.b);
      const double weight = 300 / (centre * (1 - centre));
      aa += weight * da * da;
      ab += weight * da * db;
      bb += weight * db * db;
    }
    const double determinant = aa * bb - ab * ab;
    const double error_a = std::sqrt(bb / determinant);
    const double error_b = std::sqrt(aa / determinant);
    CHECK(error_a < 0.3);  // The data do determine the curve.
    CHECK(std::abs(curve.a - truth.a) < 4 * error_a);
    CHECK(std::abs(curve.b - truth.b) < 4 * error_b);
  }
}

TEST_CASE("b is held at 0 where zeros grow with the mean") {
  Simulation simulation(40, 50, 0.0, 0.0, 30);
  for (std::size_t gene = 0; gene < simulation.mean.size(); ++gene) {
    simulation.mean[gene] = 20.0 + static_cast<double>(gene);
    simulation.zero_rate[gene] = 0.3 + 0.005 * static_cast<double>(gene);
  }
  const DropoutCurve curve = simulation.fit();
  CHECK(curve.b == 0);
  // One constant delta: its likelihood is flat in a there.
  const long double h = 1e-4L;
  const long double da =
      (simulation.log_likelihood(curve.a + h, 0) - simulation.log_likelihood(curve.a - h, 0)) /
      (2 * h);
  CHECK(std::abs(static_cast<double>(da)) < 1e-8);
}

TEST_CASE("zero rates that say little still give a finite curve") {
  const auto fit = [](std::vector<double> mean, std::vector<double> dispersion,
                      std::vector<double> zero_rate, const Quadrature& log_library) {
    const DropoutCurve curve = fit_dropout_curve({mean, dispersion, zero_rate}, log_library, 1);
    CHECK(std::isfinite(curve.a));
    CHECK(curve.b >= 0);
    CHECK(curve.b <= kLargestSlope);
    return curve;
  };
  const Quadrature one_cell{{0.0}, {1.0}};
  SUBCASE("no zeros") {
    const DropoutCurve curve = fit({5, 9}, {0.1, 0.2}, {0, 0}, one_cell);
    CHECK(curve.a == -kLargestLogOdds);
    CHECK(curve.b == 0);
  }
  SUBCASE("no genes") {
    CHECK(fit({}, {}, {}, one_cell).b == 0);
  }
  SUBCASE("no gene with counts") {
    CHECK(fit({0, 0}, {1, 1}, {1, 1}, one_cell).b == 0);
  }
  SUBCASE("genes without counts change nothing") {
    const DropoutCurve with = fit({0, 3, 9, 20}, {1, 1, 1, 1}, {1, 0.6, 0.3, 0.2}, one_cell);
    const DropoutCurve without = fit({3, 9, 20}, {1, 1, 1}, {0.6, 0.3, 0.2}, one_cell);
    CHECK(with.a == without.a);
    CHECK(with.b == without.b);
  }
  SUBCASE("one gene: its zero rate is met exactly") {
    const DropoutCurve curve = fit({4}, {0.5}, {0.7}, one_cell);
    CHECK(std::abs(testing::zero_probability<double>(4, 0.5, curve.a, curve.b) - 0.7) < 1e-9);
  }
  SUBCASE("fewer zeros than the negative binomial alone gives: no dropout") {
    const DropoutCurve curve = fit({1, 2}, {1, 1}, {0.1, 0.05}, one_cell);
    CHECK(testing::zero_probability<double>(1, 1, curve.a, curve.b) < 0.5 + 1e-6);
  }
  SUBCASE("a cliff between two means") {
    const DropoutCurve curve = fit({10, 11}, {0.01, 0.01}, {1 - 1e-9, 1e-9}, one_cell);
    CHECK(curve.b > 10);
  }
  SUBCASE("means and libraries at the ends of what a file can hold") {
    fit({1e-30, 1e-3, 1, 1e6, 1e37}, {1e-2, 1e4, 1e-2, 1, 1e6}, {0.9, 0.5, 0.1, 0.4, 0.3},
        {{-80, 0, 80}, {0.25, 0.5, 0.25}});
  }
}

TEST_CASE("the fit does not depend on the number of threads") {
  Simulation simulation(300, 20, 1.0, 1.0, 40);
  // Enough genes that threads are used at all.
  for (int copy = 1; copy < 14; ++copy) {
    for (int gene = 0; gene < 300; ++gene) {
      simulation.mean.push_back(simulation.mean[gene] * (1 + 0.001 * copy));
      simulation.dispersion.push_back(simulation.dispersion[gene]);
      simulation.zero_rate.push_back(simulation.zero_rate[gene]);
    }
  }
  const DropoutCurve one = simulation.fit(1);
  for (const int n_threads : {2, 4}) {
    const DropoutCurve other = simulation.fit(n_threads);
    CHECK(other.a == one.a);
    CHECK(other.b == one.b);
  }
}
