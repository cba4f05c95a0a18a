#pragma once

#include <span>
#include <vector>

#include "engine/biozero/calibrated/zero_posterior.h"

namespace maskclass::calibrated {

/// Each cell's counts before dropout: `library_size` [n_cells] plus what the table expects to have
/// been lost at its zeros, where `library_factor` [n_cells] are the factors that the table was made
/// for. The result does not depend on n_threads.
std::vector<double> restored_library_sizes(const CsrView& counts,
                                           std::span<const double> library_size,
                                           std::span<const double> library_factor,
                                           const Clusters& clusters, const ZeroTable& table,
                                           int n_threads);

/// Sizes over their median.
std::vector<double> factors_of(std::span<const double> library_size);

}  // namespace maskclass::calibrated
