#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
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
  /// Unadjusted, by gene and ln of the library factor below; one for each curve of the table.
  std::vector<BiozeroPosterior> posteriors;
  /// What that is of, by the estimator `moments` where there is one curve; else null.
  std::shared_ptr<const DropoutModel> dropout;
  std::vector<double> library_factor;  ///< [n_cells], as the estimator knows them.
  BiozeroTable table;                  ///< As kernels evaluate it, adjusted for sparse cells.

  const BiozeroPosterior& posterior_of(std::int64_t cell) const {
    return posteriors[table.curve.empty() ? 0 : table.curve[cell]];
  }
};

/// What it is fitted to.
struct MaskProbabilityInput {
  CsrView counts;                           ///< cells x kept genes
  std::span<const double> library_size;     ///< [n_cells], > 0
  std::span<const std::uint32_t> cell_ids;  ///< [n_cells]: index in the input
  /// [n_cells], from 0, or empty: batches each have a dropout curve of their own
  /// (dropout_groups.h).
  std::span<const std::int32_t> batch_of;
  std::span<const std::string> batch_names;  ///< [n_batches] or empty; for messages.
};

struct MaskProbabilityOptions {
  double alpha = 0.3;      ///< How much the sparsest cells' probabilities shrink.
  std::uint64_t seed = 0;  ///< Of the entries set aside to see whether zeros are inflated.
  int n_threads = 1;       ///< Changes the speed only.
};

/// Fits and tabulates; logs the curves of batches, where there is no zero inflation (every zero
/// then counts as biological) and where the table is not exact. Throws as fit_moments does.
MaskProbability fit_mask_probability(const MaskProbabilityInput& input, BiozeroEstimator estimator,
                                     const MaskProbabilityOptions& options,
                                     const Callbacks& callbacks);

}  // namespace maskclass
