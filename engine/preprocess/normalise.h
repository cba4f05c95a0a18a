#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass {

/// Library sizes over the genes that passed the filter, and what follows from them.
struct LibrarySizes {
  std::vector<double> sizes;         ///< [n_cells]: L_i, the sum of a cell's counts.
  double median = 0;                 ///< median(L); of an even number, the mean of the middle two.
  std::vector<double> size_factors;  ///< [n_cells]: median(L) / L_i.
};

/// `counts`: cells x genes that passed the filter; every cell has counts, there is at least one
/// (Error{data} otherwise). Each sum runs over the cell's genes in order, in float64.
LibrarySizes library_sizes_of(const CsrView& counts, int n_threads);

/// x = log2(1 + count * size_factor), the paper's Section 2.1, in float64 and rounded once.
inline float log_normalised(float count, double size_factor) {
  return static_cast<float>(std::log2(1.0 + static_cast<double>(count) * size_factor));
}

}  // namespace maskclass
