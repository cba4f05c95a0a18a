#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/math/adam.h"
#include "kernels/math/adam_step.h"
#include "kernels/math/layer_norm.h"
#include "kernels/math/silu.h"

namespace {

using namespace maskclass;

/// Half of the distance between neighbouring floats, relative: the error of one rounding.
constexpr double kRounding = 0x1p-24;

double relative_error(float got, double exact) {
  return std::abs(static_cast<double>(got) - exact) / std::abs(exact);
}

/// What the terms that exponential() leaves out of its series are at most, relative: the next one
/// is rest^7 / 7! for |rest| <= ln(2) / 2.
const double kTruncation = std::pow(std::log(2.0) / 2, 7) / 5040 / std::sqrt(0.5);

TEST_CASE("the exponential is its series and two roundings over its whole range") {
  double worst = 0;
  for (int k = -87 * 1024; k <= 87 * 1024; ++k) {
    const float x = static_cast<float>(k) / 1024;
    worst = std::max(worst, relative_error(exponential(x), std::exp(static_cast<double>(x))));
  }
  CHECK(worst < kTruncation + 2 * kRounding);
}

TEST_CASE("the sigmoid is the exponential's series and four roundings, and never leaves [0, 1]") {
  // Beyond the exponential's two, an addition and a division round.
  double worst = 0;
  for (int k = -87 * 1024; k <= 87 * 1024; ++k) {
    const float x = static_cast<float>(k) / 1024;
    const float got = sigmoid(x);
    if (!(got >= 0.0f && got <= 1.0f)) FAIL("sigmoid of ", x, " is ", got);
    worst = std::max(worst, relative_error(got, 1 / (1 + std::exp(-static_cast<double>(x)))));
  }
  CHECK(worst < kTruncation + 4 * kRounding);
  CHECK(sigmoid(0.0f) == 0.5f);
  CHECK(sigmoid(1e30f) == 1.0f);
  CHECK(sigmoid(-1e30f) == sigmoid(-87.0f));
}

TEST_CASE("the slope of SiLU is that of finite differences") {
  for (int k = -24; k <= 24; ++k) {
    const float y = static_cast<float>(k) / 4;
    const auto exact = [](double at) { return at / (1 + std::exp(-at)); };
    const double step = 1e-5;
    const double difference = (exact(y + step) - exact(y - step)) / (2 * step);
    CHECK(silu_slope(y, sigmoid(y)) == doctest::Approx(difference).epsilon(1e-6));
    CHECK(silu(y, sigmoid(y)) == doctest::Approx(exact(y)).epsilon(1e-6));
  }
}

TEST_CASE("the gradient of LayerNorm is that of finite differences") {
  const double linear[4] = {0.5, -1.25, 2.0, 0.125};
  const double weight[4] = {1.0, 0.5, -2.0, 0.75};  // of the normalised values, in a loss
  const auto loss = [&](int moved, double by) {
    double mean = 0;
    for (int k = 0; k < 4; ++k) mean += (linear[k] + (k == moved ? by : 0)) / 4;
    double squares = 0;
    for (int k = 0; k < 4; ++k) squares += std::pow(linear[k] + (k == moved ? by : 0) - mean, 2);
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      sum += weight[k] * (linear[k] + (k == moved ? by : 0) - mean) / std::sqrt(squares / 4 + 1e-5);
    }
    return sum;
  };
  float mean = 0, squares = 0;
  for (const double a : linear) mean += static_cast<float>(a) / 4;
  for (const double a : linear) squares += std::pow(static_cast<float>(a) - mean, 2.0f);
  const float scale = inverse_deviation(squares, 0.25f);
  float mean_gradient = 0, mean_product = 0;
  for (int k = 0; k < 4; ++k) {
    const float normalised = normalise(static_cast<float>(linear[k]), mean, scale);
    mean_gradient += static_cast<float>(weight[k]) / 4;
    mean_product += static_cast<float>(weight[k]) * normalised / 4;
  }
  for (int k = 0; k < 4; ++k) {
    const float normalised = normalise(static_cast<float>(linear[k]), mean, scale);
    const double difference = (loss(k, 1e-5) - loss(k, -1e-5)) / 2e-5;
    CHECK(gradient_of_linear(static_cast<float>(weight[k]), normalised, scale, mean_gradient,
                             mean_product) == doctest::Approx(difference).epsilon(1e-5));
  }
}

struct AdamOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
};

TEST_CASE("Adam follows its float64 recursion over many steps") {
  const AdamOptions options;
  float value = 0.5f, first = 0, second = 0;
  double exact_value = 0.5, exact_first = 0, exact_second = 0;
  for (int step = 1; step <= 200; ++step) {
    const float gradient = std::sin(0.7f * static_cast<float>(step)) * 1e-3f;
    adam_update(adam_step(options, step), gradient, value, first, second);
    const double g = gradient;
    exact_first = options.beta1 * exact_first + (1 - options.beta1) * g;
    exact_second = options.beta2 * exact_second + (1 - options.beta2) * g * g;
    const double m = exact_first / (1 - std::pow(options.beta1, step));
    const double v = exact_second / (1 - std::pow(options.beta2, step));
    exact_value -= options.learning_rate * m / (std::sqrt(v) + options.epsilon);
  }
  // Each step rounds the value once, 2^-25 at 0.5; what the moments' roundings add is smaller.
  CHECK(std::abs(value - exact_value) < 200 * 0x1p-25);
  CHECK(relative_error(second, exact_second) < 3 * 200 * kRounding);
}

}  // namespace
