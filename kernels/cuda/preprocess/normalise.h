#pragma once

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/context.h"

namespace maskclass::cuda {

/// x = log2(1 + count * size_factor) of every stored count (kernels/math/normalise.h: the bits of
/// the CPU), and the largest raw count of every gene.
/// size_factors [n_cells]: median(L) / L_i > 0; log2_out [n_nonzeros], in the order of the counts;
/// largest_counts [n_genes], 0 for a gene without counts. All device memory.
/// Does not synchronise. Throws std::invalid_argument for missing arrays.
void log_normalise(const DeviceCsr& counts, const double* size_factors, float* log2_out,
                   float* largest_counts, const Context& context);

}  // namespace maskclass::cuda
