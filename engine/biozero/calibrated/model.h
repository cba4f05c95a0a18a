#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/kept_moments.h"

namespace maskclass::calibrated {

/// sqrt(phi(mu)) = (common + poisson / sqrt(mu)) times a factor of the gene.
struct DispersionTrend {
  double common = 0.3;
  double poisson = 0.5;
};

/// The generative model of one set of clusters. With l_i the library factor of cell i in cluster k,
/// mu = l_i e^log_mean[k][j]:
///   lambda ~ Gamma(mean mu, dispersion phi_j(mu)), t ~ Poisson(lambda),
///   c = 0 with probability delta_k(lambda), else t.
struct Model {
  std::int64_t n_genes = 0;
  DispersionTrend trend;
  std::vector<double> log_factor;        ///< [n_genes]: of sqrt(phi)
  std::vector<double> log_mean;          ///< [n_clusters][n_genes]
  std::vector<LogisticDropout> dropout;  ///< [n_clusters]

  std::int64_t n_clusters() const { return std::ssize(dropout); }

  /// The distribution of lambda in a cell of cluster k with the given ln l.
  GammaDistribution distribution(std::int64_t cluster, std::int64_t gene, double log_library) const;
};

inline constexpr double kSmallestShape = 1e-3;
inline constexpr double kLargestShape = 1e4;

}  // namespace maskclass::calibrated
