#pragma once

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/context.h"
#include "kernels/math/biozero_posterior.h"

namespace maskclass::cuda {

/// P(no molecule | count 0) of every entry of a block of cells, unadjusted (paper, Section 2.6;
/// kernels/math/biozero_posterior.h), in float64 and rounded once; 0 at counts.
/// `counts`: the cells of the block, as for finish_results. genes [n_genes], fitted by the host;
/// log_library_factors [n_cells of the block]: ln(L_i / median(L)); biozero_out [n_cells][n_genes].
/// All device memory. Apart from the CPU's by the rounding of exp and log1p.
/// Does not synchronise. Throws std::invalid_argument for missing arrays.
void biozero_posteriors(const DeviceCsr& counts, const BiozeroGene* genes,
                        const DropoutLogOdds& dropout, const double* log_library_factors,
                        float* biozero_out, const Context& context);

}  // namespace maskclass::cuda
