#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "engine/preprocess/inverse_density.h"
#include "engine/preprocess/variance_curve.h"
#include "engine/preprocess/variance_trend.h"
#include "engine/preprocess/weighted_lowess.h"
#include "engine/preprocess/weighted_median.h"

using maskclass::VarianceCurve;
using Values = std::vector<double>;

namespace {

Values sorted_uniform(int n, double low, double high, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Values values(n);
  for (double& value : values) value = uniform(generator);
  std::sort(values.begin(), values.end());
  return values;
}

double weighted_error(const VarianceCurve& curve, const Values& means, const Values& variances,
                      const Values& weights) {
  double sum = 0;
  for (std::size_t k = 0; k < means.size(); ++k) {
    const double residual = variances[k] - curve(means[k]);
    sum += weights[k] * residual * residual;
  }
  return sum;
}

}  // namespace

TEST_CASE("the weighted median is that of values repeated by their weights") {
  CHECK(maskclass::weighted_median(Values{7}, Values{0.3}) == 7);
  CHECK(maskclass::weighted_median(Values{3, 1, 2}, Values{1, 1, 1}) == 2);
  CHECK(maskclass::weighted_median(Values{4, 1, 2, 3}, Values{1, 1, 1, 1}) == 2.5);
  CHECK(maskclass::weighted_median(Values{1, 2, 3}, Values{1, 1, 5}) == 3);
  CHECK(maskclass::weighted_median(Values{3, 2, 1}, Values{3, 2, 1}) == 2.5);
  CHECK(maskclass::weighted_median(Values{5, 5, 5}, Values{1, 2, 3}) == 5);
}

TEST_CASE("weights are the inverse of a kernel density estimate") {
  // Grids of 512 points resolve this density well: the binning widens the kernel, and the lag of
  // R before 4.4 narrows it, each by about a thousandth. Where the grid is coarse, agreement with R
  // is what scran's golden values test.
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal(5, 1.5);
  Values values(800);
  for (double& value : values) value = normal(generator);
  const Values weights = maskclass::inverse_density_weights(values);

  Values sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto quartile = [&](double q) {
    const double h = 799 * q;
    const auto k = static_cast<std::size_t>(h);
    return sorted[k] + (h - static_cast<double>(k)) * (sorted[k + 1] - sorted[k]);
  };
  double mean = 0;
  for (const double value : values) mean += value / 800;
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean) / 799;
  const double bandwidth = 0.9 *
                           std::min(std::sqrt(variance), (quartile(0.75) - quartile(0.25)) / 1.34) *
                           std::pow(800, -0.2);
  Values exact;
  double mean_weight = 0;
  for (const double at : values) {
    double density = 0;
    for (const double value : values) {
      const double z = (at - value) / bandwidth;
      density += std::exp(-z * z / 2) / (800 * bandwidth * std::sqrt(2 * std::numbers::pi));
    }
    exact.push_back(1 / density);
    mean_weight += exact.back() / 800;
  }
  double sum = 0;
  for (std::size_t k = 0; k < values.size(); ++k) {
    CHECK(weights[k] == doctest::Approx(exact[k] / mean_weight).epsilon(0.03));
    sum += weights[k];
  }
  CHECK(sum == doctest::Approx(800).epsilon(1e-12));
}

TEST_CASE("weights are defined for few, equal and far-flung values") {
  CHECK(maskclass::inverse_density_weights(Values{}).empty());
  CHECK(maskclass::inverse_density_weights(Values{3}) == Values{1});
  CHECK(maskclass::inverse_density_weights(Values{2, 2, 2}) == Values{1, 1, 1});
  // Quartiles that coincide, and a point so far off that the kernel is narrower than the grid.
  for (const Values& values :
       {Values{1, 1, 1, 1, 1, 1, 9}, Values{1, 1.0001, 1.0002, 1.0003, 1e6}, Values{0.5, 0.7}}) {
    for (const double weight : maskclass::inverse_density_weights(values)) {
      CHECK(weight > 0);
      CHECK(std::isfinite(weight));
    }
  }
}

TEST_CASE("the curve's fit is a stationary point of the weighted sum of squares") {
  const VarianceCurve truth{std::log(8.0), std::log(6.0), std::log(1.2)};
  const Values means = sorted_uniform(600, 0.1, 12, 2);
  std::mt19937_64 generator(3);
  std::uniform_real_distribution<double> noise(0.8, 1.2);
  Values variances;
  Values weights;
  for (const double mean : means) {
    variances.push_back(truth(mean) * noise(generator));
    weights.push_back(noise(generator));
  }
  const VarianceCurve start = maskclass::starting_curve(means, variances);
  const VarianceCurve fit = maskclass::fit_curve(means, variances, weights, start);

  const auto error = [&](const VarianceCurve& curve) {
    return weighted_error(curve, means, variances, weights);
  };
  CHECK(error(fit) < error(start));
  CHECK(error(fit) <= error(truth));
  CHECK(fit.a == doctest::Approx(truth.a).epsilon(0.1));
  CHECK(fit.b == doctest::Approx(truth.b).epsilon(0.1));
  CHECK(fit.k == doctest::Approx(truth.k).epsilon(0.2));
  // With a relative offset below 1e-5 a step away from the fit raises the sum by its second-order
  // term; moving each parameter by 1e-3 both ways must not lower it.
  for (const double step : {1e-3, -1e-3}) {
    CHECK(error({fit.a + step, fit.b, fit.k}) > error(fit));
    CHECK(error({fit.a, fit.b + step, fit.k}) > error(fit));
    CHECK(error({fit.a, fit.b, fit.k + step}) > error(fit));
  }
}

TEST_CASE("a fit that fails gives its start back") {
  const VarianceCurve start{0.1, 0.2, 0.3};
  const auto same = [&](const VarianceCurve& curve) {
    return curve.a == start.a && curve.b == start.b && curve.k == start.k;
  };
  CHECK(same(maskclass::fit_curve(Values{}, Values{}, Values{}, start)));
  CHECK(same(maskclass::fit_curve(Values{1, 2, 3}, Values{1, 2, 3}, Values{1, 1, 1}, start)));
  // All means 1: ln m = 0, so the gradient by k vanishes.
  CHECK(same(maskclass::fit_curve(Values{1, 1, 1, 1, 1}, Values{1, 2, 3, 4, 5},
                                  Values{1, 1, 1, 1, 1}, start)));
  // A power that overflows.
  const VarianceCurve steep{0, 0, 700};
  CHECK(maskclass::fit_curve(Values{1, 2, 3, 4, 5}, Values{1, 2, 3, 4, 5}, Values{1, 1, 1, 1, 1},
                             steep)
            .k == 700);
}

TEST_CASE("lowess gives a straight line back whatever the weights") {
  for (const int n : {2, 3, 10, 199, 201, 5000}) {
    const Values x = sorted_uniform(n, 0, 10, n);
    Values y;
    Values weights;
    for (const double at : x) {
      y.push_back(3 - 0.5 * at);
      weights.push_back(0.1 + at);
    }
    const maskclass::PiecewiseLinear curve = maskclass::weighted_lowess(x, y, weights);
    CHECK(curve.x.size() <= 202);
    for (const double at : x) CHECK(std::abs(curve(at) - (3 - 0.5 * at)) <= 1e-9);
    CHECK(curve(-5) == curve(x.front()));
    CHECK(curve(50) == curve(x.back()));
  }
}

TEST_CASE("lowess is hardly moved by outliers") {
  const Values x = sorted_uniform(1000, 0, 10, 4);
  std::mt19937_64 generator(5);
  std::normal_distribution<double> noise(0, 0.01);
  Values y;
  for (const double at : x) y.push_back(2 * at + noise(generator));
  for (std::size_t k = 0; k < y.size(); k += 20) y[k] += 100;
  const maskclass::PiecewiseLinear curve = maskclass::weighted_lowess(x, y, Values(x.size(), 1.0));
  // One outlier in twenty moves a mean by 5; the noise of a window of 300 points is below 0.001.
  for (const double at : x) CHECK(std::abs(curve(at) - 2 * at) <= 0.01);
}

TEST_CASE("lowess is defined for one point and for points that coincide") {
  CHECK(maskclass::weighted_lowess(Values{2}, Values{5}, Values{1})(2) == 5);
  const maskclass::PiecewiseLinear tied =
      maskclass::weighted_lowess(Values{1, 1, 1, 1}, Values{1, 2, 3, 6}, Values{1, 1, 1, 1});
  CHECK(std::isfinite(tied(1)));
  CHECK(tied(1) >= 1);
  CHECK(tied(1) <= 6);
  const maskclass::PiecewiseLinear two =
      maskclass::weighted_lowess(Values{1, 1, 4, 4}, Values{1, 3, 5, 7}, Values{1, 1, 1, 1});
  CHECK(std::isfinite(two(1)));
  CHECK(std::isfinite(two(2.5)));
  CHECK(std::isfinite(two(4)));
}

TEST_CASE("the trend is finite and not negative, whatever few genes it is fitted to") {
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int trial = 0; trial < 1500; ++trial) {
    CAPTURE(trial);
    const int n = 1 + static_cast<int>(generator() % 60);
    Values means;
    Values variances;
    for (int gene = 0; gene < n; ++gene) {
      const double spread = unit(generator);
      // Spread out, over decades, tied, or all but equal.
      const Values kinds{20 * spread, std::pow(10.0, 3 * spread - 1.5), std::floor(4 * spread),
                         5 + 1e-9 * spread};
      means.push_back(kinds[trial % 4]);
      variances.push_back(generator() % 7 == 0 ? 0 : std::pow(10.0, 6 * unit(generator) - 4));
    }
    const auto trend = maskclass::fit_variance_trend(means, variances);
    if (!trend) continue;
    for (const double mean : means) {
      const double value = (*trend)(mean);
      REQUIRE(std::isfinite(value));
      REQUIRE(value >= 0);
    }
    REQUIRE((*trend)(0) == 0);
    REQUIRE(std::isfinite((*trend)(24 * unit(generator))));
  }
}
