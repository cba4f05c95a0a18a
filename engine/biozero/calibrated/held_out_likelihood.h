#pragma once

#include <span>

#include "engine/biozero/calibrated/zero_posterior.h"

namespace maskclass::calibrated {

/// The log likelihood of the entries set aside, under a model fitted to the others.
struct HeldOutLikelihood {
  double sum = 0;
  std::vector<double> of_cell;  ///< [n_cells]: sums over each cell's entries
};

HeldOutLikelihood held_out_likelihood(const CsrView& counts, std::span<const double> library_factor,
                                      const Clusters& clusters, const HeldOut& held_out,
                                      const Model& model, const ZeroTable& table, int n_threads);

/// ln P(c = count), count > 0.
double log_probability_of_count(double count, const GammaDistribution& gamma,
                                const LogisticDropout& dropout);

}  // namespace maskclass::calibrated
