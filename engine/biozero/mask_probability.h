#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/biozero/dropout_model.h"
#include "engine/biozero/table.h"
#include "engine/matrix/csr.h"
#include "engine/progress.h"

namespace maskclass {

/// Who says how likely it is that a zero is biological, for masks and the loss (paper,
/// Section 2.6).
enum class BiozeroEstimator {
  moments,     ///< The paper's: moments of the non-zero counts.
  calibrated,  ///< Zeros and non-zeros together, one cluster; docs/biozero.md.
};

/// The probabilities that masks and the loss use.
struct MaskProbability {
  BiozeroPosterior posterior;  ///< Unadjusted, by gene and ln of the library factor below.
  std::shared_ptr<const DropoutModel> dropout;  ///< What that is of, by the estimator `moments`.
  std::vector<double> library_factor;           ///< [n_cells], as the estimator knows them.
  BiozeroTable table;  ///< As kernels evaluate it, adjusted for sparse cells.
};

/// What it is fitted to.
struct MaskProbabilityInput {
  CsrView counts;                           ///< cells x kept genes
  std::span<const double> library_size;     ///< [n_cells], > 0
  std::span<const std::uint32_t> cell_ids;  ///< [n_cells]: index in the input
};

struct MaskProbabilityOptions {
  double alpha = 0.3;      ///< How much the sparsest cells' probabilities shrink.
  std::uint64_t seed = 0;  ///< Of the entries set aside to see whether zeros are inflated.
  int n_threads = 1;       ///< Changes the speed only.
};

/// Fits and tabulates; logs where there is no zero inflation (every zero then counts as biological)
/// and where the table is not exact. Throws as fit_moments does.
MaskProbability fit_mask_probability(const MaskProbabilityInput& input, BiozeroEstimator estimator,
                                     const MaskProbabilityOptions& options,
                                     const Callbacks& callbacks);

}  // namespace maskclass
