#pragma once

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/context.h"

namespace maskclass::cuda {

/// How a block of results is finished (paper, Section 2.9).
struct FinishOptions {
  bool clamp = true;          ///< Negative log2 values become 0.
  bool keep_observed = true;  ///< Observed non-zeros keep their value; else the network's stays.
};

/// Turns a block of reconstructed log2 values into results, in place.
/// `counts`: the cells of the block, in its order. A range of the cells of a matrix on the device
/// is
///   its indptr + first cell with all its indices and values, or a part of them and first_nonzero.
/// size_factors [n_cells of the block]: median(L) / L_i, as for log_normalise.
/// log2_values [n_cells][n_genes]: in, the network's; out, finished.
/// counts_out [n_cells][n_genes] or null: (2^log2 - 1) L_i / median(L), and kept counts as they
///   are; library_factors [n_cells]: L_i / median(L), may be null where counts_out is.
/// All device memory. Does not synchronise. Throws std::invalid_argument for missing arrays.
void finish_results(const DeviceCsr& counts, const double* size_factors,
                    const double* library_factors, const FinishOptions& options, float* log2_values,
                    float* counts_out, const Context& context);

}  // namespace maskclass::cuda
