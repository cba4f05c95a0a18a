#pragma once

#include <span>

#include "engine/biozero/calibrated/choose_clusters.h"
#include "engine/biozero/calibrated/zero_values.h"
#include "kernels/backend.h"

namespace maskclass::calibrated {

/// What calibrate() works on.
struct CalibrationInput {
  CsrView counts;                        ///< cells x kept genes
  std::span<const double> library_size;  ///< [n_cells], over all genes that passed the filter
  const HeldOut& held_out;               ///< What training did not see, ...
  const Thinned& thinned;                ///< ... and the data without it.
  Backend& on_thinned;                   ///< The trained network over the thinned data
  Backend& on_all;                       ///< and over all.
  std::int64_t latent_width = 0;
};

struct Calibration {
  ZeroValues zeros;
  ClusterChoice choice;
};

/// The `calibrated` variant, after training: chooses the number of clusters of the latent, whether
/// zeros are inflated and how much the network's prediction counts, all by entries that neither
/// the network nor the models compared had seen; then fits the model to all counts, in the clusters
/// of the latent of all counts.
Calibration calibrate(const CalibrationInput& input, const ChoiceOptions& options,
                      const Callbacks& callbacks);

}  // namespace maskclass::calibrated
