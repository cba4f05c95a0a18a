#include "engine/simulate/distributions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

using namespace maskclass::simulate;

double relative_error(double value, double expected) {
  return std::abs(value / expected - 1);
}

/// P(Poisson(mean) <= k), summed.
long double poisson_distribution(long double mean, int k) {
  long double probability = std::exp(-mean);
  long double sum = probability;
  for (int i = 1; i <= k; ++i) {
    probability *= mean / i;
    sum += probability;
  }
  return sum;
}

}  // namespace

TEST_CASE("normal quantiles are those of an independent implementation") {
  // scipy.special.ndtri 1.10.1
  const std::vector<std::pair<double, double>> known{
      {1e-300, -37.0470962993612}, {1e-12, -7.034483825301131}, {0.001, -3.090232306167813},
      {0.05, -1.6448536269514729}, {0.3, -0.5244005127080409},  {0.7, 0.5244005127080407},
      {0.95, 1.6448536269514722},  {0.999, 3.090232306167813}};
  for (const auto& known_pair : known) {
    const double u = known_pair.first, z = known_pair.second;
    CAPTURE(u);
    CHECK(relative_error(normal_quantile(u), z) < 1e-14);
  }
  CHECK(normal_quantile(0.5) == 0);
  // The pieces of the approximation meet.
  for (const double u : {0.075, 0.925, 1.3887943864964e-11}) {
    CHECK(relative_error(normal_quantile(u * (1 - 1e-13)), normal_quantile(u * (1 + 1e-13))) <
          1e-11);
  }
}

TEST_CASE("gamma tails of whole shapes are Poisson sums") {
  // P(Gamma(k + 1) > x) = P(Poisson(x) <= k).
  for (const double x : {1e-6, 0.1, 1.0, 4.5, 20.0, 80.0}) {
    for (const int k : {0, 1, 3, 10, 25, 90}) {
      CAPTURE(x);
      CAPTURE(k);
      const auto upper = static_cast<double>(poisson_distribution(x, k));
      const Tails tails = gamma_tails(k + 1, x);
      CHECK(std::abs(tails.upper - upper) < 1e-13 * (1 + 10 * upper));
      CHECK(std::abs(tails.lower + tails.upper - 1) < 1e-15);
    }
  }
  CHECK(gamma_tails(2, 0).lower == 0);
}

TEST_CASE("gamma quantiles are those of an independent implementation") {
  struct Known {
    double shape, u, x;
  };
  // scipy.special.gammaincinv 1.10.1
  const std::vector<Known> known{
      {0.001, 0.999, 0.2647702702396509}, {0.01, 0.5, 4.465535018910562e-31},
      {0.05, 0.9, 0.07631711390918905},   {0.3, 0.01, 1.5022226552360407e-07},
      {0.6, 0.5, 0.31570201701610756},    {1.0, 0.999999, 13.815510557935518},
      {2.5, 0.2, 1.1712671529205605},     {17.9, 1e-10, 2.3503370478877246},
      {30.0, 0.5, 29.66733313822123},     {100.0, 0.999, 133.7702639113786},
      {5000.0, 0.3, 4962.679004917484}};
  for (const Known& k : known) {
    CAPTURE(k.shape);
    CAPTURE(k.u);
    CHECK(relative_error(gamma_quantile(k.shape, {k.u, 1 - k.u}), k.x) < 1e-10);
  }
}

TEST_CASE("gamma quantiles invert the distribution function over the whole range of shapes") {
  for (int step = 0; step < 32; ++step) {
    const double shape = 1e-3 * std::pow(1.7, step);
    double before = -1;
    for (const double u : {1e-13, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6, 1 - 1e-12}) {
      CAPTURE(shape);
      CAPTURE(u);
      const double x = gamma_quantile(shape, {u, 1 - u});
      CHECK(x >= before);  // equal only where both underflow to 0
      before = x;
      if (x < 1e-290) continue;
      const Tails tails = gamma_tails(shape, x);
      // The tail's relative error is that of x times |d ln tail / d ln x|, below 40 sqrt(shape)
      // here.
      const double error =
          u < 0.5 ? relative_error(tails.lower, u) : relative_error(tails.upper, 1 - u);
      CHECK(error < 1e-11 * (1 + 40 * std::sqrt(shape)));
    }
  }
}

TEST_CASE("a Poisson quantile is the smallest count that reaches the probability") {
  for (const double mean : {1e-9, 0.03, 1.0, 14.9, 15.1, 40.0, 333.0, 2500.0}) {
    for (const double u : {1e-12, 1e-4, 0.1, 0.35, 0.5, 0.77, 0.999, 1 - 1e-9}) {
      CAPTURE(mean);
      CAPTURE(u);
      const int k = static_cast<int>(poisson_quantile(mean, u));
      CHECK(poisson_distribution(mean, k) >= u * (1 - 1e-12));
      if (k > 0) CHECK(poisson_distribution(mean, k - 1) < u * (1 + 1e-12));
    }
  }
  CHECK(poisson_quantile(0, 0.999999) == 0);
  // The largest uniform number that the simulator draws ends the search.
  CHECK(poisson_quantile(3, 1 - 0x1p-53) < 60);
  CHECK(poisson_quantile(1e6, 1 - 0x1p-53) < 1e6 + 1e4);
}
