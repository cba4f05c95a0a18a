#include "engine/io/csr_builder.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "engine/io/tidy_rows.h"

namespace maskclass::io {

CsrBuilder::CsrBuilder(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_expected) {
  matrix_ = matrix_in_file(n_cells, n_genes);
  matrix_.indptr.assign(n_cells + 1, 0);
  matrix_.indices.reserve(n_expected);
  matrix_.values.reserve(n_expected);
}

void CsrBuilder::turn_to(std::int64_t cell) {
  constexpr std::size_t kEntries = std::size_t{1} << 22;
  if (matrix_.values.size() - n_given_back_ > kEntries) {
    n_given_back_ = matrix_.values.size();
    give_back(matrix_);
  }
  if (cells_.empty()) {
    if (cell < last_cell_ && !matrix_.indices.empty()) {
      keep_cells();
    } else {
      const auto size = static_cast<std::int64_t>(matrix_.indices.size());
      for (std::int64_t row = last_cell_; row < cell; ++row) matrix_.indptr[row + 1] = size;
    }
  }
  last_cell_ = cell;
}

/// Writes out the cells that the row pointers held so far.
void CsrBuilder::keep_cells() {
  const auto size = static_cast<std::int64_t>(matrix_.indices.size());
  cells_.reserve(matrix_.indices.capacity());
  for (std::int64_t cell = 0; cell <= last_cell_; ++cell) {
    const std::int64_t end = cell == last_cell_ ? size : matrix_.indptr[cell + 1];
    cells_.resize(end, static_cast<std::int32_t>(cell));
  }
}

/// In place, by swapping each entry to the next free place of its cell: no second copy.
void CsrBuilder::sort_by_cell() {
  auto& indptr = matrix_.indptr;
  std::fill(indptr.begin(), indptr.end(), 0);
  for (const std::int32_t cell : cells_) ++indptr[cell + 1];
  for (std::int64_t cell = 0; cell < matrix_.n_cells; ++cell) indptr[cell + 1] += indptr[cell];

  std::vector<std::int64_t> next(indptr.begin(), indptr.end() - 1);
  for (std::int64_t cell = 0; cell < matrix_.n_cells; ++cell) {
    while (next[cell] < indptr[cell + 1]) {
      const std::int64_t here = next[cell];
      const std::int64_t there = next[cells_[here]]++;
      if (here == there) continue;
      std::swap(cells_[here], cells_[there]);
      std::swap(matrix_.indices[here], matrix_.indices[there]);
      std::swap(matrix_.values[here], matrix_.values[there]);
    }
  }
  cells_ = {};
}

std::optional<CsrBuilder::Entry> CsrBuilder::finish() {
  if (cells_.empty()) {
    std::fill(matrix_.indptr.begin() + last_cell_ + 1, matrix_.indptr.end(),
              static_cast<std::int64_t>(matrix_.indices.size()));
  } else {
    sort_by_cell();
  }
  for (std::int64_t cell = 0; cell < matrix_.n_cells; ++cell) {
    const std::int64_t begin = matrix_.indptr[cell];
    const std::int64_t size = matrix_.indptr[cell + 1] - begin;
    const auto genes = std::span(matrix_.indices).subspan(begin, size);
    if (std::adjacent_find(genes.begin(), genes.end(), std::greater_equal<>()) == genes.end()) {
      continue;
    }
    sort_row(genes, std::span(matrix_.values).subspan(begin, size));
    ++n_sorted_;
    const auto twice = std::adjacent_find(genes.begin(), genes.end());
    if (twice != genes.end()) return Entry{cell, *twice};
  }
  return std::nullopt;
}

void keep_genes(CsrMatrix& matrix, const std::vector<std::uint8_t>& keep) {
  std::vector<std::int32_t> new_index(matrix.n_genes, -1);
  std::int32_t n_kept = 0;
  for (std::int64_t gene = 0; gene < matrix.n_genes; ++gene) {
    if (keep[gene] != 0) new_index[gene] = n_kept++;
  }
  std::int64_t to = 0;
  std::int64_t from = 0;
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    for (const std::int64_t end = matrix.indptr[cell + 1]; from < end; ++from) {
      const std::int32_t gene = new_index[matrix.indices[from]];
      if (gene < 0) continue;
      matrix.indices[to] = gene;
      matrix.values[to++] = matrix.values[from];
    }
    matrix.indptr[cell + 1] = to;
  }
  matrix.indices.resize(to);
  matrix.values.resize(to);
  matrix.n_genes = n_kept;
}

CsrMatrix transpose(CsrMatrix by_gene) {
  CsrMatrix result = matrix_in_file(by_gene.n_genes, by_gene.n_cells);
  result.indptr.assign(result.n_cells + 1, 0);
  for (const std::int32_t cell : by_gene.indices) ++result.indptr[cell + 1];
  for (std::int64_t cell = 0; cell < result.n_cells; ++cell) {
    result.indptr[cell + 1] += result.indptr[cell];
  }
  result.indices.resize(by_gene.indices.size());
  result.values.resize(by_gene.values.size());
  std::vector<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
  for (std::int64_t gene = 0; gene < by_gene.n_cells; ++gene) {
    for (std::int64_t k = by_gene.indptr[gene]; k < by_gene.indptr[gene + 1]; ++k) {
      const std::int64_t at = next[by_gene.indices[k]]++;
      result.indices[at] = static_cast<std::int32_t>(gene);
      result.values[at] = by_gene.values[k];
    }
    if (gene % kCellsInRun == 0) {
      give_back(result);
      give_back(by_gene);
    }
  }
  return result;
}

}  // namespace maskclass::io
