#pragma once

/// Distribution functions and their inverses, so that every random value of the simulator is a
/// fixed, monotone function of one uniform number: no rejection, no streams, and two conditions
/// can share a uniform (the coupled truth of Sim-Batch).
namespace maskclass::simulate {

/// Both tails of a distribution at a point; lower + upper = 1, each accurate when it is small.
struct Tails {
  double lower = 0;
  double upper = 1;
};

/// The standard normal's quantile of `u` in (0, 1): algorithm AS 241 (PPND16) of Wichura 1988,
/// relative error about 1e-16.
double normal_quantile(double u);

/// P(X <= x) and P(X > x) for X ~ Gamma(shape, scale 1), shape > 0, x >= 0: the power series below
/// the mean, Legendre's continued fraction above (NIST DLMF 8.7.1 and 8.9.2). Time grows as
/// sqrt(shape).
Tails gamma_tails(double shape, double x);

/// The x with P(X <= x) = lower for X ~ Gamma(shape, scale 1), relative error about 1e-12. `tails`
/// are the lower and the upper probability, both in (0, 1); the smaller decides. Values below the
/// smallest double are 0. Halley's iteration on the logarithm of the smaller tail as a function of
/// ln x, which is concave, from Wilson and Hilferty's approximation or the leading power.
double gamma_quantile(double shape, const Tails& tails);

/// The smallest k with P(X <= k) >= u for X ~ Poisson(mean), mean >= 0, u in (0, 1): summed from 0
/// for a small mean, else from a Cornish-Fisher guess and the exact distribution function there.
double poisson_quantile(double mean, double u);

/// P(X = k) for X ~ Poisson(mean), mean > 0.
double poisson_probability(double mean, double k);

}  // namespace maskclass::simulate
