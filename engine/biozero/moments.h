#pragma once

#include <span>
#include <vector>

#include "engine/biozero/dropout_groups.h"
#include "engine/biozero/dropout_model.h"
#include "engine/matrix/csr.h"

namespace maskclass {

/// Fits the zero-inflated model by moments of the non-zero counts (paper, Section 2.6; what the
/// paper leaves open is settled in docs/biozero.md).
///
/// `counts` is cells x kept genes, `library_factor` [n_cells] is l_i = L_i / median(L), finite and
/// > 0. Over the n non-zero values c/l of gene j:
///   mean_j = their mean, phi_j = (sample variance - mean_j) / mean_j^2; with n < 2 the median over
///   the genes with n >= 2; then phi_j = w phi_j + (1 - w) median, w = n / (n + 50), at least 1e-2.
/// (a, b) maximise the likelihood of the observed zero rates: see dropout_curve.h.
/// A gene without counts has mean 0 and the median's dispersion.
///
/// Throws Error{data} where a library factor is not finite and positive, Error{usage} where the
/// sizes disagree. Memory: 3 doubles a cell and about 70 a gene. The result does not depend on
/// `n_threads`.
DropoutModel fit_moments(const CsrView& counts, std::span<const double> library_factor,
                         int n_threads);

/// The same for cells whose dropout differs: [n_groups] models that share means and dispersions,
/// which are over all cells, and whose curves are each fitted to the zero rates and library factors
/// of a group's cells. With one group it is fit_moments.
std::vector<DropoutModel> fit_moments_by_group(const CsrView& counts,
                                               std::span<const double> library_factor,
                                               const DropoutGroups& groups, int n_threads);

}  // namespace maskclass
