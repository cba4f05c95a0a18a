#pragma once

#include <span>
#include <vector>

#include "engine/matrix/csr.h"
#include "kernels/math/normalise.h"

namespace maskclass {

/// Library sizes over the genes that passed the filter, and what follows from them.
struct LibrarySizes {
  std::vector<double> sizes;         ///< [n_cells]: L_i, the sum of a cell's counts.
  double median = 0;                 ///< median(L); of an even number, the mean of the middle two.
  std::vector<double> size_factors;  ///< [n_cells]: median(L) / L_i.
};

/// `counts`: cells x genes that passed the filter; every cell has counts, there is at least one
/// (Error{data} otherwise). Each sum runs over the cell's genes in order, in float64.
LibrarySizes library_sizes_of(const CsrPart& counts, int n_threads);

}  // namespace maskclass
