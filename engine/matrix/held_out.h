#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass {

/// Entries of a data set that are set aside, zeros and non-zeros alike, by cell.
struct HeldOut {
  std::vector<std::int64_t> indptr;  ///< [n_cells + 1]; empty: none
  std::vector<std::int32_t> genes;   ///< Ascending within a cell.

  bool any() const { return !genes.empty(); }
  std::span<const std::int32_t> of_cell(std::int64_t cell) const {
    if (!any()) return {};
    return std::span(genes).subspan(indptr[cell], indptr[cell + 1] - indptr[cell]);
  }
};

/// A share of all entries, each chosen by a random number of (seed, the cell's index in the input,
/// the gene's position among those kept): Philox, purpose held_out. `cell_ids` [n_cells].
HeldOut hold_out(double share, std::uint64_t seed, std::span<const std::uint32_t> cell_ids,
                 std::int64_t n_genes);

/// Walks along the ascending genes of a cell that are set aside.
class HeldOutCursor {
 public:
  explicit HeldOutCursor(std::span<const std::int32_t> genes) : genes_(genes) {}
  /// Whether `gene` is set aside; asked in ascending order.
  bool contains(std::int32_t gene) {
    while (next_ < genes_.size() && genes_[next_] < gene) ++next_;
    return next_ < genes_.size() && genes_[next_] == gene;
  }

 private:
  std::span<const std::int32_t> genes_;
  std::size_t next_ = 0;
};

/// A data set whose non-zeros that are set aside read as zeros, and those non-zeros.
struct Thinned {
  std::vector<std::int64_t> indptr;   ///< [n_cells + 1]
  std::vector<std::int32_t> indices;  ///< Those left.
  std::vector<float> scaled;          ///< Those left.
  // The non-zeros set aside, in the order of the matrix.
  std::vector<std::int64_t> cell;
  std::vector<std::int32_t> gene;
  std::vector<float> count;
};

/// `scaled` are the scaled values of the non-zeros of `counts`.
Thinned without(const HeldOut& held_out, const CsrView& counts, std::span<const float> scaled);

}  // namespace maskclass
