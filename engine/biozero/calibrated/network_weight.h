#pragma once

#include <span>

#include "engine/biozero/calibrated/estimate.h"
#include "engine/matrix/held_out.h"

namespace maskclass::calibrated {

/// A value of log2(1 + normalised count) for another library size: `ratio` = old over new.
double renormalised(double log2_value, double ratio);

/// How much the network's prediction should move the mean that the model gives: the share w in
/// [0, 1] for which E[x | c > 0] + w (network - E[x | c > 0]) is nearest to the values set aside,
/// in squares. 1: the network knows all that the model does not; 0: it adds nothing. `model` must
/// not have seen them either. `observed_factor` [n_cells] are the library factors the network
/// knows. `predicted` [n set aside] is the network's output for the non-zeros set aside.
double network_weight(const Thinned& held_out, std::span<const float> predicted,
                      const Estimate& model, std::span<const double> observed_factor);

}  // namespace maskclass::calibrated
