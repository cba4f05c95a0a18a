#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/matrix/large_array.h"

namespace maskclass {

/// A sparse matrix of cells x genes in compressed rows, not owned. Within a row the genes ascend,
/// none twice, and no stored value is zero. The names are scipy's and AnnData's.
struct CsrView {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::span<const std::int64_t> indptr;   ///< [n_cells + 1]; row i is [indptr[i], indptr[i+1]).
  std::span<const std::int32_t> indices;  ///< [n_nonzeros]: the gene.
  std::span<const float> values;          ///< [n_nonzeros]; counts up to 2^24 are exact.
  /// Whether `indices` and `values` are pages of a file (LargeArray): who is done with some cells
  /// gives their memory back.
  bool in_file = false;

  std::int64_t n_nonzeros() const { return indptr.empty() ? 0 : indptr.back(); }
  std::span<const std::int32_t> row_indices(std::int64_t cell) const {
    return indices.subspan(indptr[cell], indptr[cell + 1] - indptr[cell]);
  }
  std::span<const float> row_values(std::int64_t cell) const {
    return values.subspan(indptr[cell], indptr[cell + 1] - indptr[cell]);
  }
  /// Lets the system have the memory of cells [first, end) where they lie in a file; they can be
  /// used as before.
  void give_back(std::int64_t first, std::int64_t end) const {
    if (!in_file) return;
    large_array::give_back(indices.data() + indptr[first], indices.data() + indptr[end]);
    large_array::give_back(values.data() + indptr[first], values.data() + indptr[end]);
  }
};

/// The same, owned.
struct CsrMatrix {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::vector<std::int64_t> indptr{0};
  LargeArray<std::int32_t> indices;
  LargeArray<float> values;

  CsrView view() const { return {n_cells, n_genes, indptr, indices, values, in_file()}; }
  /// Both: what is not a file's would be lost if it were given back.
  bool in_file() const {
    return indices.get_allocator().in_file() && values.get_allocator().in_file();
  }
};

/// An empty matrix whose values go to a file where they are many: for what is read once and then
/// passed through in order.
CsrMatrix matrix_in_file(std::int64_t n_cells, std::int64_t n_genes);
/// Lets the system have the memory of all values that such a matrix has so far.
void give_back(const CsrMatrix& matrix);

/// Cells that are worked on before their memory is given back.
inline constexpr std::int64_t kCellsInRun = 1024;

/// Calls run(first, end) for runs that cover [first, end), in order.
template <class Run>
void for_each_run(std::int64_t first, std::int64_t end, const Run& run) {
  for (; first < end; first += kCellsInRun) run(first, std::min(first + kCellsInRun, end));
}

/// The same for [0, n_cells) on several threads, in no set order.
template <class Run>
void for_each_run_on(int n_threads, std::int64_t n_cells, const Run& run) {
  const std::int64_t n_runs = (n_cells + kCellsInRun - 1) / kCellsInRun;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::int64_t k = 0; k < n_runs; ++k) {
    run(k * kCellsInRun, std::min((k + 1) * kCellsInRun, n_cells));
  }
}

/// Some cells and genes of a matrix, which keep their order, without a copy of their values.
class CsrPart {
 public:
  /// All of it; meant to convert where a function takes a part.
  CsrPart(const CsrView& matrix);  // NOLINT(google-explicit-constructor)
  /// Cells in any order; genes ascend.
  CsrPart(const CsrView& matrix, std::vector<std::int64_t> cells,
          std::span<const std::int32_t> genes);

  std::int64_t n_cells() const { return static_cast<std::int64_t>(cells_.size()); }
  std::int64_t n_genes() const { return n_genes_; }
  /// Lets the system have the memory of cells [first, end) where they lie in a file.
  void give_back(std::int64_t first, std::int64_t end) const {
    if (first < end) matrix_.give_back(cells_[first], cells_[end - 1] + 1);
  }
  /// The same genes of other cells, which are numbers of this part's.
  CsrPart with_cells(std::span<const std::int64_t> cells) const;

  /// Calls work(gene, value) for each non-zero of a cell, in the order of the genes; all numbers
  /// are those of the part.
  template <class Work>
  void for_each_nonzero(std::int64_t cell, const Work& work) const {
    const std::int64_t row = cells_[cell];
    for (std::int64_t k = matrix_.indptr[row]; k < matrix_.indptr[row + 1]; ++k) {
      const std::int32_t gene = place_[matrix_.indices[k]];
      if (gene >= 0) work(gene, matrix_.values[k]);
    }
  }

 private:
  CsrView matrix_;
  std::vector<std::int64_t> cells_;  ///< Rows of the matrix.
  std::vector<std::int32_t> place_;  ///< [genes of the matrix]: its number here, or -1.
  std::int64_t n_genes_ = 0;
};

/// The first cell for which `is_so(cell)` is true, or n_cells. It is asked of all, each once, on
/// several threads in no set order.
std::int64_t first_cell_where(const CsrView& matrix, int n_threads,
                              const std::function<bool(std::int64_t)>& is_so);

/// Throws Error{data} that names the cell (by its number, from 1) where the matrix is not as
/// CsrView describes it: row pointers that fall, genes out of range, out of order or twice, values
/// that are zero, negative or not finite, arrays of the wrong length.
void check_csr(const CsrView& matrix, int n_threads);

/// Rows and columns of `matrix` in the order given; genes must ascend. Throws nothing.
CsrMatrix select(const CsrView& matrix, std::span<const std::int64_t> cells,
                 std::span<const std::int32_t> genes, int n_threads);

}  // namespace maskclass
