#include "engine/simulate/zero_posterior.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/simulate/distributions.h"

namespace {

using namespace maskclass::simulate;

/// The gamma distribution of a mean as the simulator has it, with a dispersion factor of 1.
GammaParameters gamma_of(double mean) {
  const double bcv = 0.1 + 1 / std::sqrt(mean);
  return {1 / (bcv * bcv), mean * bcv * bcv};
}

struct Sample {
  double x = 0;       ///< x* = log2(1 + scale t*)
  double weight = 0;  ///< P(c = 0 | m, t)
};

/// Brute force: draws from the model itself, by the standard library's own distributions except
/// where one uniform number must serve two of them.
std::vector<Sample> draw(const GeneInCell& gene, TruthCoupling coupling, double scale, int n) {
  std::mt19937_64 random(42);
  std::uniform_real_distribution<double> uniform(1e-15, 1);
  std::gamma_distribution<double> gamma(gene.observed.shape, gene.observed.scale);
  std::gamma_distribution<double> truth_gamma(gene.truth.shape, gene.truth.scale);
  const auto poisson = [&](double mean) {
    return mean > 0 ? static_cast<double>(std::poisson_distribution<long>(mean)(random)) : 0.0;
  };
  std::vector<Sample> samples(n);
  for (Sample& sample : samples) {
    double m = 0, t = 0, truth = 0;
    if (coupling == TruthCoupling::coupled) {
      const double u = uniform(random), v = uniform(random);
      m = gene.observed.scale * gamma_quantile(gene.observed.shape, {u, 1 - u});
      t = poisson_quantile(m, v);
      truth = poisson_quantile(gene.truth.scale * gamma_quantile(gene.truth.shape, {u, 1 - u}), v);
    } else {
      m = gamma(random);
      t = poisson(m);
      truth = coupling == TruthCoupling::same ? t : poisson(truth_gamma(random));
    }
    sample = {std::log2(1 + scale * truth), t == 0 ? 1 : gene.dropout.probability(m)};
  }
  return samples;
}

/// A weighted mean of f over the samples, and its standard error.
template <typename Function>
std::pair<double, double> mean_and_error(const std::vector<Sample>& samples, const Function& f) {
  double sum = 0, weights = 0, squares = 0;
  for (const Sample& s : samples) sum += s.weight * f(s.x), weights += s.weight;
  const double mean = sum / weights;
  for (const Sample& s : samples) squares += std::pow(s.weight * (f(s.x) - mean), 2);
  return {mean, std::sqrt(squares) / weights};
}

double total(const JointProbabilities& joint) {
  double sum = joint.zero();
  joint.for_each_positive([&](double, double probability) { sum += probability; });
  return sum;
}

void check_against_samples(const GeneInCell& gene, TruthCoupling coupling, double scale) {
  const PosteriorMoments moments = posterior_moments(joint_with_zero_count(gene, coupling), scale);
  const std::vector<Sample> samples = draw(gene, coupling, scale, 40000);
  const auto check = [](double value, const std::pair<double, double>& estimate) {
    // 1e-4: where an event is so rare that no sample has it, the error estimated is 0.
    CHECK(std::abs(value - estimate.first) < 4 * estimate.second + 1e-4);
  };
  check(moments.mean, mean_and_error(samples, [](double x) { return x; }));
  check(moments.zero_probability, mean_and_error(samples, [](double x) { return x == 0 ? 1 : 0; }));
  check(moments.variance,
        mean_and_error(samples, [&](double x) { return (x - moments.mean) * (x - moments.mean); }));
}

}  // namespace

TEST_CASE("the posterior at a zero agrees with brute force") {
  for (const double mean : {0.01, 0.3, 2.0, 15.0, 120.0, 1500.0}) {
    for (const DropoutCurve& curve :
         {DropoutCurve{1.5, -1.5, true}, DropoutCurve{4.5, -0.6, true}, DropoutCurve{}}) {
      for (const double ratio : {0.7, 1.0, 1.4}) {
        const GeneInCell gene{gamma_of(mean), gamma_of(mean * ratio), curve};
        for (const TruthCoupling coupling :
             {TruthCoupling::same, TruthCoupling::coupled, TruthCoupling::independent}) {
          if (coupling == TruthCoupling::same && ratio != 1) continue;
          // Without dropout a high mean has no zeros to compare.
          if (!curve.present && mean > 2) continue;
          CAPTURE(mean);
          CAPTURE(curve.midpoint);
          CAPTURE(ratio);
          CAPTURE(static_cast<int>(coupling));
          check_against_samples(gene, coupling, 1.3);
        }
      }
    }
  }
}

TEST_CASE("the joint probabilities add up to the probability of a zero") {
  // P(c = 0) = E[drop(m) + (1 - drop(m)) e^-m], here by the midpoint rule over the uniform number,
  // whose error is about 1e-5.
  for (const double mean : {0.001, 0.5, 8.0, 300.0}) {
    const GeneInCell gene{gamma_of(mean), gamma_of(1.2 * mean), {3, -1, true}};
    double expected = 0;
    for (int k = 0; k < 20000; ++k) {
      const double u = (k + 0.5) / 20000;
      const double m = gene.observed.scale * gamma_quantile(gene.observed.shape, {u, 1 - u});
      const double drop = gene.dropout.probability(m);
      expected += (drop + (1 - drop) * std::exp(-m)) / 20000;
    }
    for (const TruthCoupling coupling : {TruthCoupling::same, TruthCoupling::coupled}) {
      const double sum = total(joint_with_zero_count(gene, coupling));
      CAPTURE(mean);
      CHECK(std::abs(sum - expected) < 1e-4);
    }
    const double sum = total(joint_with_zero_count(gene, TruthCoupling::independent));
    CHECK(std::abs(sum - 1) < 1e-9);  // of all true counts
  }
}

TEST_CASE("coupled without batch effects is the same count") {
  for (const double mean : {0.02, 1.0, 40.0, 900.0}) {
    const GeneInCell gene{gamma_of(mean), gamma_of(mean), {3, -1, true}};
    const auto same = posterior_moments(joint_with_zero_count(gene, TruthCoupling::same), 1);
    const auto coupled = posterior_moments(joint_with_zero_count(gene, TruthCoupling::coupled), 1);
    CHECK(std::abs(same.mean - coupled.mean) < 1e-8);
    CHECK(std::abs(same.variance - coupled.variance) < 1e-8);
    CHECK(std::abs(same.zero_probability - coupled.zero_probability) < 1e-8);
  }
}

TEST_CASE("a gene that is never expressed is known to be zero") {
  const GeneInCell gene{{}, {}, {3, -1, true}};
  for (const TruthCoupling coupling :
       {TruthCoupling::same, TruthCoupling::coupled, TruthCoupling::independent}) {
    const auto moments = posterior_moments(joint_with_zero_count(gene, coupling), 1);
    CHECK(moments.mean == 0);
    CHECK(moments.variance == 0);
    CHECK(moments.zero_probability == 1);
  }
}
