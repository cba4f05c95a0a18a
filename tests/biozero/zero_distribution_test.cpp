#include "engine/biozero/calibrated/zero_distribution.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/biozero/calibrated/statistics.h"
#include "engine/simulate/zero_posterior.h"

using namespace maskclass;
using namespace maskclass::calibrated;

namespace {

constexpr double kLevel = 2.4;
constexpr double kSlope = 1.2;

/// P(t* <= t | t* > 0, c = 0) by the simulator's own sums, up to 1e-14; t on its small counts.
double exact_share(const simulate::JointProbabilities& joint, std::size_t t) {
  double below = 0;
  double all = 0;
  joint.for_each_positive([&](double count, double probability) {
    all += probability;
    if (count <= static_cast<double>(t)) below += probability;
  });
  return below / all;
}

ZeroDistribution distribution_of(const CountQuantiles& quantiles, double atom, double log_library) {
  ZeroDistribution one;
  one.atom = atom;
  one.log_library = log_library;
  one.log_count = quantiles;
  return one;
}

}  // namespace

TEST_CASE("dropped counts are distributed as in the simulator") {
  for (const double shape : {0.1, 1.0, 8.0, 60.0}) {
    for (const double log_mean : {-2.0, 0.5, 3.0, 4.5}) {
      CAPTURE(shape);
      CAPTURE(log_mean);
      const ZeroDistribution ours = distribution_of(
          dropped_count_quantiles({log_mean, shape}, {kLevel, kSlope, true}), 0.25, 0.3);
      const simulate::GammaParameters gamma{shape, std::exp(log_mean) / shape};
      const auto joint = simulate::joint_with_zero_count(
          {gamma, gamma, {kLevel / kSlope, -kSlope, true}}, simulate::TruthCoupling::same);
      double worst = 0;
      // Above 1,000 the simulator puts the Poisson distribution into two points.
      for (std::size_t t = 1; t + 1 < joint.small.size() && t < 600; ++t) {
        const double edge = std::log2(1 + (static_cast<double>(t) + 0.5) / std::exp(0.3));
        const double expected = 0.25 + 0.75 * exact_share(joint, t);
        worst = std::max(worst, std::abs(ours.cdf(edge) - expected));
      }
      // Levels are 0.066 apart in the middle. Where the density has a step between two, the line
      // from one to the other is off by at most a quarter of that, times 1 - 0.25.
      CHECK(worst < 0.0125);
    }
  }
}

TEST_CASE("quantiles and distribution function are inverse to each other") {
  const ZeroDistribution one =
      distribution_of(dropped_count_quantiles({2.0, 3.0}, {kLevel, kSlope, true}), 0.2, -0.1);
  CHECK(one.quantile(0.05) == 0);
  CHECK(one.quantile(0.2) == 0);
  CHECK(one.cdf(-0.1) == 0);
  CHECK(one.cdf(0) == 0.2);
  CHECK(one.cdf(50) == 1);
  for (const double level : {0.21, 0.3, 0.5, 0.77, 0.95, 0.999}) {
    CHECK(std::abs(one.cdf(one.quantile(level)) - level) < 1e-5);
  }
}

TEST_CASE("expression at a zero without dropout has its gamma distribution") {
  for (const double shape : {0.3, 2.0, 40.0}) {
    const double mean = 1.7;
    const ZeroDistribution one =
        distribution_of(expression_quantiles({std::log(mean), shape}), 0, 0);
    // lambda given c = 0: the same shape, scale mean / (shape + mean); its distribution function by
    // the trapezoidal rule.
    const double scale = mean / (shape + mean);
    const auto exact = [&](double lambda) {
      constexpr int kSteps = 200000;
      double sum = 0;
      const double power = std::min(1.0, shape);  // in u = x^power the density has no pole
      for (int k = 0; k < kSteps; ++k) {
        const double u = std::pow(lambda, power) * (k + 0.5) / kSteps;
        sum += std::pow(u, shape / power - 1) * std::exp(-std::pow(u, 1 / power) / scale);
      }
      return sum * std::pow(lambda, power) / kSteps / power *
             std::exp(-std::lgamma(shape) - shape * std::log(scale));
    };
    for (const double lambda : {0.05, 0.3, 1.0, 2.0}) {
      CAPTURE(shape);
      CAPTURE(lambda);
      CHECK(std::abs(one.cdf(std::log2(1 + lambda)) - exact(lambda)) < 0.01);
    }
  }
}

TEST_CASE("the quantile of a mixture is that of the mean distribution function") {
  const ZeroDistribution a =
      distribution_of(dropped_count_quantiles({2.0, 3.0}, {kLevel, kSlope, true}), 0.2, 0);
  const ZeroDistribution b =
      distribution_of(dropped_count_quantiles({1.0, 3.0}, {kLevel, kSlope, true}), 0.6, 0.1);
  const std::vector<const ZeroDistribution*> both = {&a, &b};
  for (const double level : {0.05, 0.39, 0.41, 0.7, 0.95}) {
    CAPTURE(level);
    const double value = mixture_quantile(both, level);
    CHECK((a.cdf(value) + b.cdf(value)) / 2 >= level);
    if (value > 0) CHECK((a.cdf(value - 2e-4) + b.cdf(value - 2e-4)) / 2 < level);
  }
  CHECK(mixture_quantile({&a}, 0.9) == a.quantile(0.9));
}

TEST_CASE("between the nodes of the table quantiles are those of the library there") {
  Model model;
  model.n_genes = 2;
  model.trend = {0.2, 0.8};
  model.log_factor = {0, 0.2};
  model.log_mean = {0.5, 4.0};
  model.dropout = {{kLevel, kSlope, true}};
  const std::vector<double> log_library = {-0.6, 0.0, 0.7};
  const Clusters clusters = one_cluster(3);
  const ZeroTable zeros(model, clusters, log_library, {Detail::with_values, 0, 1});
  const QuantileTable table(model, zeros, true, 2);
  for (const double log_l : {-0.6, -0.31, 0.05, 0.7}) {
    for (const std::int64_t gene : {0, 1}) {
      CAPTURE(log_l);
      CAPTURE(gene);
      const ZeroDistribution between = distribution_of(table.at(0, gene, log_l), 0, log_l);
      const ZeroDistribution exact = distribution_of(
          dropped_count_quantiles(model.distribution(0, gene, log_l), model.dropout[0]), 0, log_l);
      for (const double level : {0.05, 0.3, 0.6, 0.95}) {
        CHECK(std::abs(exact.cdf(between.quantile(level)) - level) < 0.01);
      }
    }
  }
}
