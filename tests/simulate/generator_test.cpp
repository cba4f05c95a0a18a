#include "engine/simulate/generator.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"
#include "engine/simulate/distributions.h"
#include "engine/simulate/draws.h"
#include "engine/simulate/splat.h"
#include "tests/simulate/statistics.h"

namespace {

using namespace maskclass::simulate;
using maskclass::test::kKolmogorovLimit;
using maskclass::test::kolmogorov_smirnov;
using maskclass::test::normal_distribution;

SplatParameters many_genes() {
  SplatParameters parameters = scenario("batch");
  parameters.n_cells = 20000;
  parameters.n_genes = 20000;
  return parameters;
}

/// ln F of the factors that are not 1 in a list, for the test of their distribution.
std::vector<double> absolute_logarithms(const std::vector<double>& factors) {
  std::vector<double> logarithms;
  for (const double factor : factors) {
    if (factor != 1) logarithms.push_back(std::abs(std::log(factor)));
  }
  return logarithms;
}

/// (count - n p) / sqrt(n p (1 - p))
double binomial_z(double count, double n, double p) {
  return (count - n * p) / std::sqrt(n * p * (1 - p));
}

}  // namespace

TEST_CASE("the uniform numbers of the simulator lie inside (0, 1) and are uniform") {
  std::vector<double> sample(20000);
  for (int k = 0; k < 20000; ++k) sample[k] = uniform(3, Draw::count, k / 100, k % 100);
  CHECK(kolmogorov_smirnov(sample, [](double u) { return u; }) < kKolmogorovLimit);
}

TEST_CASE("library sizes are LogNormal(11, 0.2)") {
  const Generator generator = draw_generator(many_genes(), 1);
  CHECK(kolmogorov_smirnov(generator.library, [](double library) {
          return normal_distribution((std::log(library) - 11) / 0.2);
        }) < kKolmogorovLimit);
}

TEST_CASE("gene means are Gamma(0.6, rate 0.3), outliers the median times LogNormal(4, 0.5)") {
  SplatParameters parameters = many_genes();
  parameters.outlier.probability = 0;
  const Generator plain = draw_generator(parameters, 2);
  CHECK(kolmogorov_smirnov(plain.gene_mean, [](double mean) {
          return gamma_tails(0.6, mean * 0.3).lower;
        }) < kKolmogorovLimit);

  parameters.outlier.probability = 0.05;
  const Generator with_outliers = draw_generator(parameters, 2);
  std::vector<double> sorted = plain.gene_mean;
  std::sort(sorted.begin(), sorted.end());
  const double median = (sorted[9999] + sorted[10000]) / 2;
  std::vector<double> outliers;
  for (std::size_t gene = 0; gene < sorted.size(); ++gene) {
    if (with_outliers.gene_mean[gene] != plain.gene_mean[gene]) {
      outliers.push_back(with_outliers.gene_mean[gene]);
    }
  }
  CHECK(std::abs(binomial_z(static_cast<double>(outliers.size()), 20000, 0.05)) < 4);
  CHECK(kolmogorov_smirnov(outliers, [&](double mean) {
          return normal_distribution((std::log(mean / median) - 4) / 0.5);
        }) < kKolmogorovLimit);
}

TEST_CASE("group and batch factors follow Splat's LNF") {
  const Generator generator = draw_generator(many_genes(), 3);
  const auto check = [](const std::vector<double>& factors, double probability, double location,
                        double scale) {
    const std::vector<double> logarithms = absolute_logarithms(factors);
    const double n = static_cast<double>(logarithms.size());
    if (probability < 1) {
      CHECK(std::abs(binomial_z(n, 20000, probability)) < 4);
    } else {
      CHECK(n == 20000);
    }
    // |ln F| is a folded normal variable: turned round where F < 1.
    CHECK(kolmogorov_smirnov(logarithms, [&](double x) {
            return normal_distribution((x - location) / scale) -
                   normal_distribution((-x - location) / scale);
          }) < kKolmogorovLimit);
    const auto n_up = std::count_if(factors.begin(), factors.end(), [](double f) { return f > 1; });
    CHECK(std::abs(binomial_z(static_cast<double>(n_up), n, 0.5)) < 4);
  };
  for (const auto& factors : generator.group_factors) check(factors, 0.1, 0.1, 0.4);
  for (const auto& factors : generator.batch_factors) check(factors, 1, 0.1, 0.1);
}

TEST_CASE("dispersion factors are sqrt(60 / chi2_60)") {
  const Generator generator = draw_generator(many_genes(), 4);
  CHECK(kolmogorov_smirnov(generator.dispersion_factor, [](double factor) {
          return gamma_tails(30, 60 / (factor * factor) / 2).upper;
        }) < kKolmogorovLimit);
  SplatParameters parameters = many_genes();
  parameters.bcv_degrees_of_freedom = INFINITY;
  for (const double factor : draw_generator(parameters, 4).dispersion_factor) CHECK(factor == 1);
}

TEST_CASE("cells fall into groups by proportion and into batches of equal size") {
  const Generator generator = draw_generator(many_genes(), 5);
  const double expected[] = {0.4, 0.3, 0.3};
  for (int group = 0; group < 3; ++group) {
    const auto n = std::count(generator.group.begin(), generator.group.end(), group);
    CHECK(std::abs(binomial_z(static_cast<double>(n), 20000, expected[group])) < 4);
    const auto size = std::count(generator.batch.begin(), generator.batch.end(), group);
    CHECK(size >= 6666);
    CHECK(size <= 6667);
  }
  CHECK(std::is_sorted(generator.batch.begin(), generator.batch.end()));
}

TEST_CASE("dropout curves are drawn from their ranges, or given") {
  SplatParameters parameters = scenario("equal");
  parameters.n_cells = 1;
  parameters.n_genes = 1;
  std::vector<double> midpoints, shapes;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Generator generator = draw_generator(parameters, seed);
    midpoints.insert(midpoints.end(), generator.dropout_midpoint.begin(),
                     generator.dropout_midpoint.end());
    shapes.insert(shapes.end(), generator.dropout_shape.begin(), generator.dropout_shape.end());
  }
  CHECK(kolmogorov_smirnov(midpoints, [](double x) { return (x - 1) / 4; }) < kKolmogorovLimit);
  CHECK(kolmogorov_smirnov(shapes, [](double x) { return x + 1.5; }) < kKolmogorovLimit);

  parameters.dropout_midpoint = {2};
  parameters.dropout_shape = {-1, -0.7};
  const Generator given = draw_generator(parameters, 1);
  CHECK(given.dropout_midpoint == std::vector<double>{2, 2});
  CHECK(given.dropout_shape == std::vector<double>{-1, -0.7});
}

TEST_CASE("the dropout curve is logistic in ln m, and defined at 0") {
  const DropoutCurve curve{2, -1.5, true};
  CHECK(curve.probability(std::exp(2.0)) == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(curve.probability(5) == doctest::Approx(1 / (1 + std::pow(5 / std::exp(2.0), 1.5))));
  CHECK(curve.probability(0) == 1);
  CHECK(DropoutCurve{}.probability(5) == 0);
}

TEST_CASE("parameters out of range are refused by name") {
  const auto refused = [](const auto& change) {
    SplatParameters parameters = scenario("equal");
    change(parameters);
    CHECK_THROWS_AS(draw_generator(parameters, 0), maskclass::Error);
  };
  refused([](SplatParameters& p) { p.n_cells = 0; });
  refused([](SplatParameters& p) { p.n_genes = -1; });
  refused([](SplatParameters& p) { p.group_proportions = {}; });
  refused([](SplatParameters& p) { p.group_proportions = {0.5, -0.5}; });
  refused([](SplatParameters& p) { p.library_scale = NAN; });
  refused([](SplatParameters& p) { p.library_location = 1e6; });
  refused([](SplatParameters& p) { p.mean_shape = 0; });
  refused([](SplatParameters& p) { p.group_factor.probability = 1.5; });
  refused([](SplatParameters& p) { p.bcv_degrees_of_freedom = 0; });
  refused([](SplatParameters& p) { p.dropout_midpoint = {1, 2, 3}; });
  refused([](SplatParameters& p) { p.dropout_type = DropoutType::none, p.dropout_shape = {-1}; });
  CHECK_THROWS_AS(scenario("equall"), maskclass::Error);
}
