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
  if (!matrix.values.get_allocator().in_file()) return;
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

void check_csr(const CsrView& matrix, int n_threads) {
  check_lengths(matrix);
  std::atomic<std::int64_t> first_fault = matrix.n_cells;
  for_each_run_on(n_threads, matrix.n_cells, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t cell = first; cell < end; ++cell) {
      if (fault_of_row(matrix, cell) == nullptr) continue;
      std::int64_t least = first_fault;
      while (cell < least && !first_fault.compare_exchange_weak(least, cell)) {
      }
      break;
    }
    matrix.give_back(first, end);
  });
  if (first_fault == matrix.n_cells) return;
  throw data_error("cell " + std::to_string(first_fault + 1) + " of the counts has " +
                   fault_of_row(matrix, first_fault) +
                   "; a row holds its non-zero counts in the order of the genes");
}

CsrMatrix select(const CsrView& matrix, std::span<const std::int64_t> cells,
                 std::span<const std::int32_t> genes, int n_threads) {
  std::vector<std::int32_t> new_index(matrix.n_genes, -1);
  for (std::size_t k = 0; k < genes.size(); ++k) new_index[genes[k]] = static_cast<std::int32_t>(k);

  CsrMatrix result;
  result.n_cells = static_cast<std::int64_t>(cells.size());
  result.n_genes = static_cast<std::int64_t>(genes.size());
  result.indptr.assign(cells.size() + 1, 0);
  const auto for_each_row = [&](const auto& work) {
    for_each_run_on(n_threads, result.n_cells, [&](std::int64_t first, std::int64_t end) {
      for (std::int64_t row = first; row < end; ++row) work(row);
      matrix.give_back(cells[first], cells[end - 1] + 1);
    });
  };
  for_each_row([&](std::int64_t row) {
    std::int64_t kept = 0;
    for (const std::int32_t gene : matrix.row_indices(cells[row])) kept += new_index[gene] >= 0;
    result.indptr[row + 1] = kept;
  });
  for (std::int64_t row = 0; row < result.n_cells; ++row) {
    result.indptr[row + 1] += result.indptr[row];
  }
  result.indices.resize(result.indptr.back());
  result.values.resize(result.indptr.back());
  for_each_row([&](std::int64_t row) {
    const auto row_genes = matrix.row_indices(cells[row]);
    const auto row_values = matrix.row_values(cells[row]);
    std::int64_t at = result.indptr[row];
    for (std::size_t k = 0; k < row_genes.size(); ++k) {
      if (new_index[row_genes[k]] < 0) continue;
      result.indices[at] = new_index[row_genes[k]];
      result.values[at++] = row_values[k];
    }
  });
  return result;
}

}  // namespace maskclass
