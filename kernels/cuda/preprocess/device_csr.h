#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace maskclass::cuda {

/// Raw counts on the device, cells x genes in compressed rows; not owned. The layout is that of
/// CsrView (engine/matrix/csr.h): within a cell the genes ascend, none twice, and no stored count
/// is 0, negative or not finite.
struct DeviceCsr {
  std::int64_t n_cells = 0;
  std::int64_t n_nonzeros = 0;
  std::int32_t n_genes = 0;
  const std::int64_t* indptr = nullptr;   ///< [n_cells + 1]
  const std::int32_t* indices = nullptr;  ///< [n_nonzeros]
  const float* values = nullptr;          ///< [n_nonzeros]
  /// What `indptr` says of the first non-zero here: not 0 where these are some cells of a larger
  /// matrix, whose indptr serves them too.
  std::int64_t first_nonzero = 0;
};

/// Throws std::invalid_argument, for the function `who`, where a size is negative or an array that
/// the sizes ask for is missing.
inline void require_csr(const DeviceCsr& counts, const char* who) {
  const bool sizes = counts.n_cells >= 0 && counts.n_genes >= 0 && counts.n_nonzeros >= 0;
  const bool arrays =
      counts.indptr != nullptr && (counts.n_nonzeros == 0 || (counts.indices != nullptr &&  //
                                                              counts.values != nullptr));
  if (sizes && arrays) return;
  throw std::invalid_argument(
      std::string(who) + ": " +
      (sizes ? "an array of the counts is missing" : "a size of the counts is negative"));
}

}  // namespace maskclass::cuda
