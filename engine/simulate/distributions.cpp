#include "engine/simulate/distributions.h"

#include <math.h>  // lgamma_r: std::lgamma writes a global

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/math.h"

namespace maskclass::simulate {
namespace {

using Coefficients = std::array<double, 8>;

/// Coefficients of AS 241, ascending powers. Central part: |u - 1/2| <= 0.425.
constexpr Coefficients kCentralTop{3.3871328727963666080e0,  1.3314166789178437745e+2,
                                   1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                   4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                   3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr Coefficients kCentralBottom{1.0,
                                      4.2313330701600911252e+1,
                                      6.8718700749205790830e+2,
                                      5.3941960214247511077e+3,
                                      2.1213794301586595867e+4,
                                      3.9307895800092710610e+4,
                                      2.8729085735721942674e+4,
                                      5.2264952788528545610e+3};
/// Tail: sqrt(-ln of the tail) <= 5.
constexpr Coefficients kTailTop{1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr Coefficients kTailBottom{1.0,
                                   2.05319162663775882187e0,
                                   1.67638483018380384940e0,
                                   6.89767334985100004550e-1,
                                   1.48103976427480074590e-1,
                                   1.51986665636164571966e-2,
                                   5.47593808499534494600e-4,
                                   1.05075007164441684324e-9};
/// Far tail.
constexpr Coefficients kFarTop{6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr Coefficients kFarBottom{1.0,
                                  5.99832206555887937690e-1,
                                  1.36929880922735805310e-1,
                                  1.48753612908506148525e-2,
                                  7.86869131145613259100e-4,
                                  1.84631831751005468180e-5,
                                  1.42151175831644588870e-7,
                                  2.04426310338993978564e-15};

double polynomial(const Coefficients& coefficients, double x) {
  double sum = coefficients[7];
  for (int power = 6; power >= 0; --power) sum = sum * x + coefficients[power];
  return sum;
}

/// sum_n x^n / ((a + 1) ... (a + n)): the lower tail over x^a e^-x / Gamma(a + 1).
double lower_series(double shape, double x) {
  double term = 1;
  double sum = 1;
  double divisor = shape;
  while (term > sum * 1e-17) {
    divisor += 1;
    term *= x / divisor;
    sum += term;
  }
  return sum;
}

/// The upper tail over x^a e^-x / Gamma(a), by the modified Lentz method.
double upper_fraction(double shape, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - shape;
  double c = 1 / kTiny;
  double d = 1 / b;
  double fraction = d;
  constexpr int kMaximalTerms = 1'000'000;
  for (int i = 1; i < kMaximalTerms; ++i) {
    const double a = -i * (i - shape);
    b += 2;
    d = a * d + b;
    c = b + a / c;
    if (std::abs(d) < kTiny) d = kTiny;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    const double factor = c * d;
    fraction *= factor;
    if (std::abs(factor - 1) < 1e-15) break;
  }
  return fraction;
}

/// Tails together with x^shape e^-x / Gamma(shape), which is x times the density: the derivative
/// of the lower tail by ln x.
struct TailsAndSlope {
  Tails tails;
  double slope = 0;
};

TailsAndSlope tails_and_slope(double shape, double x, double log_gamma_shape) {
  const double slope = std::exp(shape * std::log(x) - x - log_gamma_shape);
  if (x < shape + 1) {
    const double lower = std::min(1.0, slope / shape * lower_series(shape, x));
    return {{lower, 1 - lower}, slope};
  }
  const double upper = std::min(1.0, slope * upper_fraction(shape, x));
  return {{1 - upper, upper}, slope};
}

/// Wilson and Hilferty 1931: the cube root of a gamma variable is nearly normal.
double wilson_hilferty(double shape, const Tails& tails) {
  const double z =
      tails.lower < tails.upper ? normal_quantile(tails.lower) : -normal_quantile(tails.upper);
  const double root = 1 - 1 / (9 * shape) + z / (3 * std::sqrt(shape));
  return root > 0 ? shape * root * root * root : 0;
}

/// One Halley step in ln x towards the point whose smaller tail is the one asked for.
double halley_step(double shape, double x, const Tails& wanted, const TailsAndSlope& at) {
  const bool lower = wanted.lower < wanted.upper;
  const double tail = lower ? at.tails.lower : at.tails.upper;
  if (!(tail > 0) || !(at.slope > 0)) return lower ? -1 : 1;  // far outside: move in
  const double rate = at.slope / tail;                        // |d ln tail / d ln x|
  const double error = std::log(tail / (lower ? wanted.lower : wanted.upper));
  const double newton = error / rate;
  const double curvature =
      lower ? 0.5 * newton * (shape - x - rate) : -0.5 * newton * (shape - x + rate);
  const double step = newton / std::clamp(1 - curvature, 0.5, 2.0);
  return std::clamp(lower ? step : -step, -2.0, 2.0);
}

/// poisson_quantile by adding up probabilities from 0.
double small_poisson_quantile(double mean, double u) {
  double probability = std::exp(-mean);
  double sum = probability;
  double k = 0;
  while (sum < u && (k < mean || probability > 1e-17)) {
    k += 1;
    probability *= mean / k;
    sum += probability;
  }
  return k;
}

}  // namespace

double normal_quantile(double u) {
  const double centred = u - 0.5;
  if (std::abs(centred) <= 0.425) {
    const double r = 0.180625 - centred * centred;
    return centred * polynomial(kCentralTop, r) / polynomial(kCentralBottom, r);
  }
  const double r = std::sqrt(-std::log(centred < 0 ? u : 1 - u));
  const double value = r <= 5 ? polynomial(kTailTop, r - 1.6) / polynomial(kTailBottom, r - 1.6)
                              : polynomial(kFarTop, r - 5) / polynomial(kFarBottom, r - 5);
  return centred < 0 ? -value : value;
}

Tails gamma_tails(double shape, double x) {
  if (!(x > 0)) return {0, 1};
  return tails_and_slope(shape, x, log_gamma(shape)).tails;
}

double gamma_quantile(double shape, const Tails& tails) {
  const double log_gamma_shape = log_gamma(shape);
  // Where x is small, P = x^a / Gamma(a + 1) (1 - a x / (a + 1) + ...).
  double x = shape < 0.7 ? 0 : wilson_hilferty(shape, tails);
  if (x < 0.2 * shape || shape < 0.7) {
    const double log_lower = tails.lower < 0.5 ? std::log(tails.lower) : std::log1p(-tails.upper);
    const double leading = std::exp((log_lower + log_gamma_shape + std::log(shape)) / shape);
    if (leading < 1e-6) return leading * (1 + leading / (shape + 1));
    x = std::max(x, std::min(leading, shape + 1));
  }
  constexpr int kMaximalSteps = 60;
  for (int iteration = 0; iteration < kMaximalSteps; ++iteration) {
    const double step = halley_step(shape, x, tails, tails_and_slope(shape, x, log_gamma_shape));
    x *= std::abs(step) < 1e-3 ? 1 - step * (1 - step * (0.5 - step / 6)) : std::exp(-step);
    // The iteration is cubic: the error left is about the cube of this step.
    if (std::abs(step) < 1e-4) break;
  }
  return x;
}

double poisson_probability(double mean, double k) {
  return std::exp(k * std::log(mean) - mean - log_gamma(k + 1));
}

double poisson_quantile(double mean, double u) {
  constexpr double kSmallMean = 15;
  if (mean < kSmallMean) return small_poisson_quantile(mean, u);
  const double z = normal_quantile(u);
  const double root = std::sqrt(mean);
  const double guess = mean + z * root + (z * z - 1) / 6 + z * (1 - z * z) / (72 * root);
  double k = std::max(0.0, std::floor(guess));
  // P(Poisson(mean) <= k) is the upper tail of Gamma(k + 1) at the mean; the probability of k is
  // that gamma's density there.
  const TailsAndSlope at = tails_and_slope(k + 1, mean, log_gamma(k + 1));
  double probability = at.slope / mean;
  double sum = at.tails.upper;
  while (sum < u && (k < mean || probability > 1e-17)) {
    k += 1;
    probability *= mean / k;
    sum += probability;
  }
  while (k > 0 && sum - probability >= u) {
    sum -= probability;
    probability *= k / mean;
    k -= 1;
  }
  return k;
}

}  // namespace maskclass::simulate
