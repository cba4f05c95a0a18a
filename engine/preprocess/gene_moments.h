#pragma once

#include <span>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass {

/// Mean and sample variance (n - 1; 0 for fewer than two cells and for equal values) of a value of
/// every gene.
struct GeneMoments {
  std::vector<double> means;      ///< [n_genes]
  std::vector<double> variances;  ///< [n_genes]
};

/// Moments over all cells, zeros included, of log2(count / s_c + 1) with s_c = L_c / mean(L).
/// `library_sizes`: [n_cells], positive. Two passes in float64 over fixed blocks of cells, whose
/// sums are added in order: the bits do not depend on `n_threads`.
GeneMoments log_moments(const CsrPart& counts, std::span<const double> library_sizes,
                        int n_threads);

}  // namespace maskclass
