#include "engine/biozero/quadrature.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/biozero/sample.h"

using namespace maskclass;

namespace {

template <class Function>
long double mean_of(const std::vector<double>& points, const Function& function) {
  long double sum = 0;
  for (const double point : points) sum += function(point);
  return sum / points.size();
}

template <class Function>
double rule_of(const Quadrature& rule, const Function& function) {
  double sum = 0;
  for (std::size_t k = 0; k < rule.nodes.size(); ++k) {
    sum += rule.weights[k] * function(rule.nodes[k]);
  }
  return sum;
}

}  // namespace

TEST_CASE("a rule of n nodes integrates polynomials of degree 2n - 1 over the points") {
  const std::vector<double> points = testing::logarithms(testing::library_factors(999, 0.5, 1));
  for (const int n : {1, 2, 5, 8}) {
    const Quadrature rule = gauss_quadrature(points, n, 1);
    REQUIRE(std::ssize(rule.nodes) == n);
    for (int degree = 0; degree < 2 * n; ++degree) {
      const auto power = [&](double u) { return std::pow(u, degree); };
      const double scale = mean_of(points, [&](double u) { return std::abs(power(u)); });
      CHECK(std::abs(rule_of(rule, power) - static_cast<double>(mean_of(points, power))) <
            1e-12 * scale);
    }
  }
}

TEST_CASE("as many nodes as distinct points are exact for any function") {
  const std::vector<double> points = {0.5, -1, 0.5, 0.5, 3, -1, 3, 7};
  const Quadrature rule = gauss_quadrature(points, 4, 1);
  CHECK(rule.nodes == std::vector<double>{-1, 0.5, 3, 7});
  CHECK(rule.weights == std::vector<double>{0.25, 0.375, 0.25, 0.125});
  CHECK(gauss_quadrature(std::vector<double>{2.5}, 32, 1).nodes == std::vector<double>{2.5});
  CHECK(gauss_quadrature(std::vector<double>(10, 2.5), 1, 1).weights == std::vector<double>{1});
}

TEST_CASE("the mean zero rate by 32 nodes is the mean over the cells") {
  // ln l of 4,001 cells, one in a hundred of them with a library 3 to 50 times the median.
  std::vector<double> points = testing::logarithms(testing::library_factors(4001, 0.5, 2));
  for (std::size_t i = 0; i < points.size(); i += 100) {
    points[i] = std::log(3.0) + std::log(50.0 / 3.0) * testing::uniform(3, i, 0);
  }
  const Quadrature rule = gauss_quadrature(points, 32, 1);
  double weight = 0;
  for (const double w : rule.weights) {
    CHECK(w > 0);
    weight += w;
  }
  CHECK(std::abs(weight - 1) < 1e-13);
  for (const double mean : {0.01, 0.3, 1.0, 4.0, 30.0, 1000.0}) {
    for (const double phi : {0.01, 0.3, 5.0}) {
      for (const double b : {0.0, 0.7, 1.5, 3.0}) {
        const auto zero = [&](double u) {
          return testing::zero_probability(mean * std::exp(u), phi, b * std::log(mean) + 0.5, b);
        };
        CHECK(std::abs(rule_of(rule, zero) - static_cast<double>(mean_of(points, zero))) < 1e-8);
      }
    }
  }
}

TEST_CASE("the rule does not depend on the number of threads") {
  const std::vector<double> points = testing::logarithms(testing::library_factors(20000, 0.4, 4));
  const Quadrature one = gauss_quadrature(points, 32, 1);
  for (const int n_threads : {2, 4}) {
    const Quadrature other = gauss_quadrature(points, 32, n_threads);
    CHECK(other.nodes == one.nodes);
    CHECK(other.weights == one.weights);
  }
}
