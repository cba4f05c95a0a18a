#include "engine/matrix/csr.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "engine/error.h"

namespace maskclass {

namespace {

/// What is wrong with a row, or nullptr.
const char* fault_of_row(const CsrView& matrix, std::int64_t cell) {
  std::int64_t previous = -1;
  for (const std::int32_t gene : matrix.row_indices(cell)) {
    if (gene < 0 || gene >= matrix.n_genes) return "a gene that is out of range";
    if (gene <= previous) return "genes that do not ascend";
    previous = gene;
  }
  for (const float value : matrix.row_values(cell)) {
    if (!(value > 0) || !std::isfinite(value)) return "a value that is not above zero and finite";
  }
  return nullptr;
}

void check_lengths(const CsrView& matrix) {
  const std::size_t n_cells = static_cast<std::size_t>(std::max<std::int64_t>(0, matrix.n_cells));
  if (matrix.n_cells < 0 || matrix.n_genes < 0 || matrix.indptr.size() != n_cells + 1 ||
      matrix.indptr.front() != 0) {
    throw data_error("the counts must have n_cells + 1 row pointers, of which the first is 0");
  }
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    if (matrix.indptr[cell + 1] < matrix.indptr[cell]) {
      throw data_error("the row pointers fall at cell " + std::to_string(cell + 1));
    }
  }
  const auto n_nonzeros = static_cast<std::size_t>(matrix.n_nonzeros());
  if (matrix.indices.size() != n_nonzeros || matrix.values.size() != n_nonzeros) {
    throw data_error(
        "the counts must have as many indices and values as the last row pointer says");
  }
}

}  // namespace

CsrMatrix matrix_in_file(std::int64_t n_cells, std::int64_t n_genes) {
  CsrMatrix matrix;
  matrix.n_cells = n_cells;
  matrix.n_genes = n_genes;
  matrix.indices =
      LargeArray<std::int32_t>(LargeArrayAllocator<std::int32_t>(Place::file_if_large));
  matrix.values = LargeArray<float>(LargeArrayAllocator<float>(Place::file_if_large));
  return matrix;
}

void give_back(const CsrMatrix& matrix) {
  if (!matrix.in_file()) return;
  large_array::give_back(matrix.indices.data(), matrix.indices.data() + matrix.indices.size());
  large_array::give_back(matrix.values.data(), matrix.values.data() + matrix.values.size());
}

CsrPart::CsrPart(const CsrView& matrix)
    : matrix_(matrix), cells_(matrix.n_cells), place_(matrix.n_genes), n_genes_(matrix.n_genes) {
  std::iota(cells_.begin(), cells_.end(), std::int64_t{0});
  std::iota(place_.begin(), place_.end(), 0);
}

CsrPart::CsrPart(const CsrView& matrix, std::vector<std::int64_t> cells,
                 std::span<const std::int32_t> genes)
    : matrix_(matrix),
      cells_(std::move(cells)),
      place_(matrix.n_genes, -1),
      n_genes_(static_cast<std::int64_t>(genes.size())) {
  for (std::size_t k = 0; k < genes.size(); ++k) place_[genes[k]] = static_cast<std::int32_t>(k);
}

CsrPart CsrPart::with_cells(std::span<const std::int64_t> cells) const {
  CsrPart part = *this;
  part.cells_.clear();
  for (const std::int64_t cell : cells) part.cells_.push_back(cells_[cell]);
  return part;
}

std::int64_t first_cell_where(const CsrView& matrix, int n_threads,
                              const std::function<bool(std::int64_t)>& is_so) {
  std::atomic<std::int64_t> least = matrix.n_cells;
  for_each_run_on(n_threads, matrix.n_cells, [&](std::int64_t first, std::int64_t end) {
    std::int64_t found = end;
    for (std::int64_t cell = first; cell < end; ++cell) {
      if (is_so(cell)) found = std::min(found, cell);
    }
    matrix.give_back(first, end);
    if (found == end) return;
    std::int64_t so_far = least;
    while (found < so_far && !least.compare_exchange_weak(so_far, found)) {
    }
  });
  return least;
}

void check_csr(const CsrView& matrix, int n_threads) {
  check_lengths(matrix);
  const std::int64_t first_fault = first_cell_where(
      matrix, n_threads, [&](std::int64_t cell) { return fault_of_row(matrix, cell) != nullptr; });
  if (first_fault == matrix.n_cells) return;
  throw data_error("cell " + std::to_string(first_fault + 1) + " of the counts has " +
                   fault_of_row(matrix, first_fault) +
                   "; a row holds its non-zero counts in the order of the genes");
}

CsrMatrix select(const CsrView& matrix, std::span<const std::int64_t> cells,
                 std::span<const std::int32_t> genes, int n_threads) {
  const CsrPart part(matrix, {cells.begin(), cells.end()}, genes);
  CsrMatrix result;
  result.n_cells = part.n_cells();
  result.n_genes = part.n_genes();
  result.indptr.assign(cells.size() + 1, 0);
  const auto for_each_cell = [&](const auto& work) {
    for_each_run_on(n_threads, result.n_cells, [&](std::int64_t first, std::int64_t end) {
      for (std::int64_t cell = first; cell < end; ++cell) work(cell);
      part.give_back(first, end);
    });
  };
  for_each_cell([&](std::int64_t cell) {
    std::int64_t kept = 0;
    part.for_each_nonzero(cell, [&](std::int32_t, float) { ++kept; });
    result.indptr[cell + 1] = kept;
  });
  std::partial_sum(result.indptr.begin(), result.indptr.end(), result.indptr.begin());
  result.indices.resize(result.indptr.back());
  result.values.resize(result.indptr.back());
  for_each_cell([&](std::int64_t cell) {
    std::int64_t at = result.indptr[cell];
    part.for_each_nonzero(cell, [&](std::int32_t gene, float value) {
      result.indices[at] = gene;
      result.values[at++] = value;
    });
  });
  return result;
}

}  // namespace maskclass
