#pragma once

#include <vector>

namespace maskclass {

/// The zero-inflated negative binomial model of the paper's Section 2.6 with its parameters.
/// With l_i the library factor of cell i, mu_ij = l_i * mean_j:
///   counts before dropout ~ NB(mean mu_ij, variance mu_ij + dispersion_j mu_ij^2),
///   dropout               ~ Bernoulli(logistic(a - b ln mu_ij)).
/// Whatever estimator fitted it, the posterior, the table and the kernels need only this.
struct DropoutModel {
  std::vector<double> mean;        ///< [n_genes], counts in a cell whose library factor is 1.
  std::vector<double> dispersion;  ///< [n_genes], > 0.
  double a = 0;                    ///< Log odds of dropout at a mean of one count.
  double b = 0;                    ///< Fall of the log odds per unit of ln mu_ij; >= 0.
};

}  // namespace maskclass
