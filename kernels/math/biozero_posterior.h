#pragma once

#include <cmath>

#include "kernels/math/host_device.h"

namespace maskclass {

/// One gene of the dropout model (engine/biozero/dropout_model.h). Aligned, so that a GPU reads it
/// at once.
struct alignas(16) BiozeroGene {
  double log_mean = 0;    ///< ln mu_j; minus infinity for a mean of 0.
  double dispersion = 0;  ///< phi_j > 0
};

/// delta(mu) = logistic(a - b ln mu): the probability that a count of mean mu is dropped.
struct DropoutLogOdds {
  double a = 0;
  double b = 0;
};

MASKCLASS_HOST_DEVICE inline double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

/// P(no molecule was there | the count is 0), the paper's p_bio of Section 2.6 before the cell
/// sparsity adjustment, for a cell whose library factor l_i has this natural logarithm. In log
/// odds, logit p = b ln mu - a - ln(1 + phi mu) / phi with mu = l_i mu_j: neither 1 - delta nor
/// f(0) is ever formed, so p is accurate, and within [0, 1], for means from 0 to the largest
/// double. A mean of 0 gives the limit mu -> 0: 0 where b > 0 (the dropout curve tends to 1), else
/// logistic(-a).
MASKCLASS_HOST_DEVICE inline double biozero_posterior(const BiozeroGene& gene,
                                                      const DropoutLogOdds& dropout,
                                                      double log_library_factor) {
  if (!(gene.log_mean > -HUGE_VAL)) return dropout.b > 0 ? 0 : logistic(-dropout.a);
  const double log_mu = gene.log_mean + log_library_factor;
  const double log_zero = -std::log1p(gene.dispersion * std::exp(log_mu)) / gene.dispersion;
  return logistic(dropout.b * log_mu - dropout.a + log_zero);
}

}  // namespace maskclass
