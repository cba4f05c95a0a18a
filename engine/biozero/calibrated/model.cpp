#include "engine/biozero/calibrated/model.h"

#include <algorithm>

namespace maskclass::calibrated {

GammaDistribution Model::distribution(std::int64_t cluster, std::int64_t gene,
                                      double log_library) const {
  const double log_mu = log_mean[cluster * n_genes + gene] + log_library;
  const double root_phi =
      (trend.common + trend.poisson * std::exp(-log_mu / 2)) * std::exp(log_factor[gene]);
  return {log_mu, std::clamp(1 / (root_phi * root_phi), kSmallestShape, kLargestShape)};
}

}  // namespace maskclass::calibrated
