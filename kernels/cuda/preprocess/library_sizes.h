#pragma once

#include <cstdint>

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/context.h"

namespace maskclass::cuda {

/// What all cells together say about library sizes.
struct LibraryStatistics {
  /// median(L); of an even number, the mean of the middle two.
  double median;
  /// The first cell whose counts sum to nothing or to no number: an error, to be reported by the
  /// caller. kNoCell where there is none.
  unsigned long long first_empty_cell;

  static constexpr unsigned long long kNoCell = ~0ull;
};

/// Library sizes and what follows from them (paper, Section 2.1), in float64 and in a fixed order:
/// sizes [n_cells]: L_i, sums of counts; size_factors [n_cells]: median(L) / L_i; statistics [1].
/// All device memory. The same bits as library_sizes_of (engine/preprocess/normalise.h) where
/// counts are whole numbers, whose sums are exact; else apart by rounding.
/// Does not synchronise. Throws std::invalid_argument for missing arrays and for no cells.
void measure_libraries_of(const DeviceCsr& counts, double* sizes, double* size_factors,
                          LibraryStatistics* statistics, const Context& context);

}  // namespace maskclass::cuda
