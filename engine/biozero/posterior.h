#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/dropout_model.h"
#include "engine/matrix/csr.h"

namespace maskclass {

/// P(no molecule was there | the count is 0), the paper's p_bio of Section 2.6 before the cell
/// sparsity adjustment, for a gene and the natural logarithm of a cell's library factor. In log
/// odds, logit p = b ln mu - a - ln(1 + phi mu) / phi: neither 1 - delta nor f(0) is ever formed,
/// so p is accurate, and within [0, 1], for means from 0 to the largest double. A mean of 0 gives
/// the limit mu -> 0: 0 where b > 0 (the dropout curve tends to 1), else logistic(-a).
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
