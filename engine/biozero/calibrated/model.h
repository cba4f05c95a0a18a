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
///   c = 0 with probability logistic(level_k - slope_k (s ln lambda + (1 - s) ln mu)), else t.
struct Model {
  std::int64_t n_genes = 0;
  /// s: 1 where dropout depends on what the gene expresses in the cell, 0 where on the mean alone.
  double expression_share = 1;
  DispersionTrend trend;
  std::vector<double> log_factor;        ///< [n_genes]: of sqrt(phi)
  std::vector<double> log_mean;          ///< [n_clusters][n_genes]
  std::vector<LogisticDropout> dropout;  ///< [n_clusters]: for s = 1

  std::int64_t n_clusters() const { return std::ssize(dropout); }

  /// The distribution of lambda in a cell of cluster k with the given ln l.
  GammaDistribution distribution(std::int64_t cluster, std::int64_t gene, double log_library) const;
  /// The curve, in ln lambda, of a gene with that distribution in cluster k.
  LogisticDropout dropout_at(std::int64_t cluster, const GammaDistribution& gamma) const {
    const LogisticDropout& curve = dropout[cluster];
    return {curve.level - curve.slope * (1 - expression_share) * gamma.log_mean,
            curve.slope * expression_share, curve.present};
  }
};

inline constexpr double kSmallestShape = 1e-3;
inline constexpr double kLargestShape = 1e4;

}  // namespace maskclass::calibrated
