#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/dropout_model.h"
#include "engine/matrix/csr.h"

namespace maskclass {

/// P(no molecule was there | the count is 0) for a gene and the natural logarithm of a cell's
/// library factor: biozero_posterior() of kernels/math/biozero_posterior.h.
double biozero_probability(const DropoutModel& model, std::int64_t gene, double log_library_factor);

/// The cell sparsity adjustment (paper, Section 2.6): [n_cells] factors 1 - alpha z_i by which
/// masks and loss multiply p_bio. z_i is the fraction of the columns of `counts` that are zero in
/// cell i, rescaled so that its 5th and 95th percentiles over cells (linear interpolation between
/// order statistics) become 0 and 1, and clamped; equal percentiles give z_i = 0. Throws
/// Error{usage} unless 0 <= alpha <= 1.
std::vector<double> sparsity_shrinkage(const CsrView& counts, double alpha);

/// Throws Error{usage} unless there is one factor a cell, Error{data} unless each is finite and
/// positive.
void require_library_factors(std::span<const double> library_factor, std::int64_t n_cells);

}  // namespace maskclass
