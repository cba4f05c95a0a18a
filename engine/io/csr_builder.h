#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass::io {

/// Collects entries (cell, gene, value) into compressed rows. Entries that come cell by cell, as
/// 10x files hold them, are appended in place (8 bytes an entry); once one comes out of order, the
/// cells are kept beside them (12 bytes) and sorted in place by finish(). Zeros are dropped.
class CsrBuilder {
 public:
  /// `n_expected` entries are reserved; more may come. n_cells and n_genes at most 2^31 - 1.
  CsrBuilder(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_expected);

  /// 0 <= cell < n_cells, 0 <= gene < n_genes (not checked).
  void append(std::int64_t cell, std::int32_t gene, float value) {
    if (cell != last_cell_) turn_to(cell);
    if (value == 0) return;
    matrix_.indices.push_back(gene);
    matrix_.values.push_back(value);
    if (!cells_.empty()) cells_.push_back(static_cast<std::int32_t>(cell));
  }

  struct Entry {
    std::int64_t cell;
    std::int32_t gene;
  };

  /// Sorts what needs it. Where an entry came twice, says which: then take() must not be called.
  std::optional<Entry> finish();
  /// Cells whose genes came out of order; known after finish().
  std::int64_t n_sorted() const { return n_sorted_; }
  CsrMatrix take() { return std::move(matrix_); }

 private:
  void turn_to(std::int64_t cell);
  void keep_cells();
  void sort_by_cell();

  CsrMatrix matrix_;
  std::vector<std::int32_t> cells_;  // [n_nonzeros] from the first entry out of order on.
  std::int64_t last_cell_ = 0;
  std::int64_t n_sorted_ = 0;
  std::size_t n_given_back_ = 0;  ///< Values whose memory was given back.
};

/// Keeps the genes where keep[gene] is not 0, in place.
void keep_genes(CsrMatrix& matrix, const std::vector<std::uint8_t>& keep);

/// Genes x cells in compressed rows (`by_gene.n_cells` is the number of genes) to cells x genes.
/// 16 bytes an entry while it runs.
CsrMatrix transpose(CsrMatrix by_gene);

}  // namespace maskclass::io
