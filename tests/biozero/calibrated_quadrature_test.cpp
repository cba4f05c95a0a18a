#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/biozero/calibrated/gamma_rule.h"
#include "engine/biozero/calibrated/kept_moments.h"
#include "engine/biozero/calibrated/predicted.h"
#include "engine/biozero/calibrated/zero_posterior.h"
#include "engine/math.h"
#include "engine/simulate/zero_posterior.h"

using namespace maskclass;
using namespace maskclass::calibrated;

namespace {

constexpr double kShapes[] = {1e-3, 0.02, 0.3, 1, 4, 30, 1000, 1e4};
constexpr double kLogMeans[] = {-6, -1, 0, 1.5, 4, 9};

/// By a rule with a step ten times as short on a range that leaves nothing out: the same
/// integrals, with no trust in the choices of GammaRule.
template <typename Integrand>
double fine_integral(const GammaDistribution& gamma, const Integrand& integrand) {
  const double shape = gamma.shape;
  const double step = std::min(0.02, 0.05 / std::sqrt(shape));
  const double low = -60 / std::min(1.0, std::sqrt(shape)) - std::abs(gamma.log_mean);
  double sum = 0;
  double weight = 1;
  for (double d = std::max(low, -3000.0); d < 0 || weight > 1e-30; d += step) {
    weight = std::exp(shape * (std::log(shape) + d - std::exp(d)) - log_gamma(shape));
    sum += step * weight * integrand(std::exp(gamma.log_mean + d), gamma.log_mean + d);
  }
  return sum;
}

double relative(double value, double expected) {
  return std::abs(value - expected) / std::max(1e-300, std::abs(expected));
}

}  // namespace

TEST_CASE("the gamma rule has the moments of the gamma distribution") {
  for (const double shape : kShapes) {
    for (const double log_mean : kLogMeans) {
      CAPTURE(shape);
      CAPTURE(log_mean);
      const GammaDistribution gamma{log_mean, shape};
      double mean = 0;
      double square = 0;
      double some = 0;
      for (const GammaNode& node : GammaRule(gamma, 0).nodes()) {
        mean += node.weight * node.lambda;
        square += node.weight * node.lambda * node.lambda;
        some += node.weight * -std::expm1(-node.lambda);
      }
      const double exact = std::exp(log_mean);
      // What gamma_rule.h says of the step, with a factor of four.
      CHECK(relative(mean, exact) < 4e-6);
      CHECK(relative(square, exact * exact * (1 + 1 / shape)) < 4e-5);
      CHECK(relative(some, -std::expm1(log_zero_probability(gamma))) < 4e-6);
    }
  }
}

TEST_CASE("kept moments against a fine integral") {
  for (const double shape : kShapes) {
    for (const double log_mean : kLogMeans) {
      for (const LogisticDropout& dropout :
           {LogisticDropout{3, 1.2, true}, LogisticDropout{-4, 0.3, true},
            LogisticDropout{6, 5, true}, LogisticDropout{0, 1, false}}) {
        CAPTURE(shape);
        CAPTURE(log_mean);
        CAPTURE(dropout.level);
        const GammaDistribution gamma{log_mean, shape};
        const KeptMoments moments = kept_moments(gamma, dropout);
        for (int k = 0; k < 3; ++k) {
          const double exact = fine_integral(gamma, [&](double lambda, double log_lambda) {
            const double kept = dropout.present
                                    ? 1 / (1 + std::exp(dropout.level - dropout.slope * log_lambda))
                                    : 1.0;
            const double power[] = {-std::expm1(-lambda), lambda, lambda * lambda + lambda};
            return kept * power[k];
          });
          CHECK(relative(moments.value[k], exact) < (k < 2 ? 1e-5 : 4e-5));
        }
      }
    }
  }
}

TEST_CASE("derivatives of predicted statistics against finite differences") {
  Model model;
  model.n_genes = 1;
  model.trend = {0.2, 0.8};
  model.log_factor = {0.1};
  model.log_mean = {2.0};
  model.dropout = {{3.0, 1.1, true}};
  SUBCASE("dropout by expression") {
    model.expression_share = 1;
  }
  SUBCASE("dropout by the mean") {
    model.expression_share = 0;
  }
  SUBCASE("dropout by both") {
    model.expression_share = 0.3;
  }
  const Quadrature libraries{{-0.4, 0.1, 0.6}, {0.3, 0.4, 0.3}};
  const double centre = 1.5;
  const double level = model.dropout[0].level - model.dropout[0].slope * centre;
  const auto moved = [&](int parameter, double by) {
    Model other = model;
    if (parameter == 0) other.log_mean[0] += by;
    if (parameter == 1) other.log_factor[0] += by;
    if (parameter == 2) other.trend.common *= std::exp(by);
    if (parameter == 3) other.trend.poisson *= std::exp(by);
    LogisticDropout& curve = other.dropout[0];
    if (parameter == 5) curve.slope *= std::exp(by);
    curve.level = level + (parameter == 4 ? by : 0.0) + curve.slope * centre;
    return predict(other, 0, 0, libraries, centre);
  };
  const Predicted here = predict(model, 0, 0, libraries, centre);
  constexpr double kStep = 1e-4;  // errors: step^2 of the difference, 1e-7 / step of the rule
  for (int p = 0; p < kParameters; ++p) {
    CAPTURE(p);
    const Predicted up = moved(p, kStep);
    const Predicted down = moved(p, -kStep);
    const auto close = [](double derivative, double high, double low, double value) {
      return std::abs(derivative - (high - low) / (2 * kStep)) < 2e-3 * std::abs(value) + 1e-9;
    };
    CHECK(close(here.d_nonzero_rate[p], up.nonzero_rate, down.nonzero_rate, here.nonzero_rate));
    CHECK(close(here.d_mean[p], up.mean, down.mean, here.mean));
    CHECK(close(here.d_variance[p], up.variance, down.variance, here.variance));
  }
}

TEST_CASE("the posterior at a zero is that of the simulator") {
  // The simulator's posterior is other code: sums over t, with an error of 1e-14.
  for (const double shape : {0.1, 1.0, 8.0, 60.0}) {
    for (const double log_mean : {-2.0, 0.5, 3.0, 6.0}) {
      for (const double log_library : {-0.5, 0.0, 0.8}) {
        CAPTURE(shape);
        CAPTURE(log_mean);
        CAPTURE(log_library);
        const LogisticDropout dropout{2.4, 1.2, true};
        const ZeroPosterior zero =
            zero_posterior({log_mean, shape}, dropout, LogCounts(log_library), Detail::with_values);
        const simulate::GammaParameters gamma{shape, std::exp(log_mean) / shape};
        const auto joint = simulate::joint_with_zero_count({gamma, gamma, {2.0, -1.2, true}},
                                                           simulate::TruthCoupling::same);
        const auto exact = simulate::posterior_moments(joint, std::exp(-log_library));
        const double p = zero.zero_probability;
        CHECK(std::abs(p - exact.zero_probability) < 4e-6);
        const double mean = (1 - p) * zero.dropped_mean;
        CHECK(std::abs(mean - exact.mean) < 1e-3 * (1 + exact.mean));
        const double variance = (1 - p) * zero.dropped_square - mean * mean;
        CHECK(std::abs(variance - exact.variance) < 3e-3 * (1 + exact.variance));
      }
    }
  }
}

TEST_CASE("without dropout every zero is a true one") {
  const ZeroPosterior zero =
      zero_posterior({0.5, 2.0}, {0, 1, false}, LogCounts(0.0), Detail::with_values);
  CHECK(zero.zero_probability == 1);
  CHECK(std::abs(zero.log_evidence - log_zero_probability({0.5, 2.0})) < 1e-12);
  // lambda given a zero is Gamma(shape, scale / (1 + scale)).
  const double scale = std::exp(0.5) / 2;
  const GammaDistribution given_zero{std::log(2 * scale / (1 + scale)), 2};
  const double expected =
      fine_integral(given_zero, [](double lambda, double) { return std::log2(1 + lambda); });
  CHECK(std::abs(zero.expression - expected) < 1e-5);
}

TEST_CASE("a second measurement is expected to show what a fine integral says") {
  // Poisson means of x by plain sums.
  const auto mean_of_poisson = [](double lambda, const LogCounts& log_counts) {
    double sum = 0;
    const double end = lambda + 12 * std::sqrt(lambda) + 30;
    for (double t = 1; t < end; ++t) {
      sum += std::exp(t * std::log(lambda) - lambda - log_gamma(t + 1)) * log_counts.of(t);
    }
    return sum;
  };
  const LogisticDropout dropout{2.4, 1.2, true};
  const LogCounts log_counts(0.3);
  for (const double shape : {0.5, 4.0, 30.0}) {
    for (const double log_mean : {-2.0, 0.5, 3.0}) {
      const GammaDistribution gamma{log_mean, shape};
      for (const double count : {0.0, 1.0, 2.0, 10.0}) {
        CAPTURE(shape);
        CAPTURE(log_mean);
        CAPTURE(count);
        const auto weight = [&](double lambda, double log_lambda) {
          const double delta = 1 / (1 + std::exp(dropout.slope * log_lambda - dropout.level));
          if (count == 0) return std::exp(-lambda) + delta * -std::expm1(-lambda);
          return (1 - delta) * std::exp(count * log_lambda - lambda);
        };
        const double evidence = fine_integral(gamma, weight);
        const double exact =
            fine_integral(gamma,
                          [&](double lambda, double log_lambda) {
                            return weight(lambda, log_lambda) * mean_of_poisson(lambda, log_counts);
                          }) /
            evidence;
        const double ours =
            count == 0 ? zero_posterior(gamma, dropout, log_counts, Detail::with_values).replicate
                       : replicate_of_count(count, gamma, dropout, log_counts);
        CHECK(std::abs(ours - exact) < 1e-3 * (1 + exact));
      }
    }
  }
}
