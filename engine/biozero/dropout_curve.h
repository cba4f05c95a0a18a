#pragma once

#include <cstdint>
#include <span>

#include "engine/biozero/quadrature.h"

namespace maskclass {

/// delta(mu) = logistic(a - b ln mu), the probability that a count of mean mu is dropped.
struct DropoutCurve {
  double a = 0;
  double b = 0;
};

/// The curve is sought where the log odds of dropout at the typical gene (the mean of ln mu over
/// genes) are within +-kLargestLogOdds and b is within [0, kLargestSlope]: beyond that the zero
/// rates, which are multiples of 1 / n_cells, cannot tell curves apart.
inline constexpr double kLargestLogOdds = 30;
inline constexpr double kLargestSlope = 20;

/// What the curve is fitted to; one entry a gene.
struct ZeroRates {
  std::span<const double> mean;        ///< mu_j >= 0, for a library factor of 1.
  std::span<const double> dispersion;  ///< phi_j > 0.
  std::span<const double> zero_rate;   ///< n0_j / N, in [0, 1].
};

/// The (a, b) that maximises sum_j [r_j ln P_j + (1 - r_j) ln(1 - P_j)] with r_j the zero rate,
/// P_j = mean over cells of delta_ij + (1 - delta_ij) f_ij(0), delta_ij = logistic(a - b ln mu_ij)
/// and f_ij(0) = (1 + phi_j mu_ij)^(-1/phi_j) (paper, Section 2.6). The mean over cells is taken by
/// `log_library`, a quadrature of the empirical measure of ln l_i, so that the cost of a step does
/// not depend on the number of cells.
///
/// Newton's method with the exact gradient and Hessian, projected on the box above, Fisher scoring
/// where the Hessian is not negative definite, started from a grid of slopes; at most a hundred
/// steps a start. Genes of mean 0 say nothing about the curve (P = 1) and are left out. Where no
/// gene is left, or none of them has a zero, nothing is ever dropped: a = -kLargestLogOdds, b = 0.
/// The result does not depend on `n_threads`.
DropoutCurve fit_dropout_curve(const ZeroRates& genes, const Quadrature& log_library,
                               int n_threads);

}  // namespace maskclass
