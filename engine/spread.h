#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/zero_values.h"
#include "engine/matrix/csr.h"

namespace maskclass {

/// How uncertain denoised log2 values are (docs/biozero.md, "Uncertainty"): row-major like the
/// values; any pointer may be null.
struct SpreadBlock {
  float* sd = nullptr;   ///< Standard deviation.
  float* q05 = nullptr;  ///< 5 % quantile.
  float* q95 = nullptr;  ///< 95 % quantile.

  bool any() const { return sd != nullptr || q05 != nullptr || q95 != nullptr; }
};

/// What one network of an ensemble says of a block of cells.
struct MemberBlock {
  std::vector<float> log2;  ///< [n_cells][n_genes]: its results
  /// The network's own output, where zeros depend on it; else empty.
  std::vector<float> network;
  const calibrated::ZeroValues* zeros = nullptr;         ///< Of the calibrated variant, else null.
  const calibrated::QuantileTable* quantiles = nullptr;  ///< Of `zeros`.
};

/// The spread of the members about their mean, every member counting alike: of their values, and at
/// zeros of the calibrated variant of the mixture of their posteriors. `counts`: cells x genes of
/// the job, of which the block begins at first_cell.
void compute_spread(std::span<const MemberBlock> members, const CsrView& counts,
                    std::int64_t first_cell, std::int64_t n_cells, int n_threads,
                    const SpreadBlock& out);

}  // namespace maskclass
