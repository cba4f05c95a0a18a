#include "engine/matrix/csr.h"

#include <algorithm>

namespace maskclass {

CscMatrix to_csc(const CsrView& matrix, int n_threads) {
  CscMatrix result;
  result.n_cells = matrix.n_cells;
  result.n_genes = matrix.n_genes;
  const std::int64_t n_nonzeros = matrix.n_nonzeros();
  result.indices.resize(n_nonzeros);
  result.values.resize(n_nonzeros);
  result.indptr.assign(matrix.n_genes + 1, 0);
  for (const std::int32_t gene : matrix.indices) ++result.indptr[gene + 1];
  for (std::int64_t gene = 0; gene < matrix.n_genes; ++gene) {
    result.indptr[gene + 1] += result.indptr[gene];
  }
  // Each thread owns a range of genes and walks all cells, so that cells ascend within a gene
  // whatever the number of threads. Ranges hold about equally many non-zeros.
  const int n_parts = std::max(1, n_threads);
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
  for (int part = 0; part < n_parts; ++part) {
    const auto bound = [&](int p) {
      const std::int64_t target = n_nonzeros / n_parts * p;
      if (p == n_parts) return matrix.n_genes;
      return static_cast<std::int64_t>(
          std::lower_bound(result.indptr.begin(), result.indptr.end(), target) -
          result.indptr.begin());
    };
    const std::int64_t first_gene = part == 0 ? 0 : bound(part);
    const std::int64_t end_gene = std::max(first_gene, bound(part + 1));
    std::vector<std::int64_t> next(result.indptr.begin() + first_gene,
                                   result.indptr.begin() + end_gene);
    for (std::int64_t cell = 0; cell < matrix.n_cells && first_gene < end_gene; ++cell) {
      const auto genes = matrix.row_indices(cell);
      const auto values = matrix.row_values(cell);
      for (std::size_t k = std::lower_bound(genes.begin(), genes.end(), first_gene) - genes.begin();
           k < genes.size() && genes[k] < end_gene; ++k) {
        const std::int64_t at = next[genes[k] - first_gene]++;
        result.indices[at] = static_cast<std::int32_t>(cell);
        result.values[at] = values[k];
      }
    }
  }
  return result;
}

CsrMatrix select(const CsrView& matrix, std::span<const std::int64_t> cells,
                 std::span<const std::int32_t> genes, int n_threads) {
  std::vector<std::int32_t> new_index(matrix.n_genes, -1);
  for (std::size_t k = 0; k < genes.size(); ++k) new_index[genes[k]] = static_cast<std::int32_t>(k);

  CsrMatrix result;
  result.n_cells = static_cast<std::int64_t>(cells.size());
  result.n_genes = static_cast<std::int64_t>(genes.size());
  result.indptr.assign(cells.size() + 1, 0);
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < result.n_cells; ++row) {
    std::int64_t kept = 0;
    for (const std::int32_t gene : matrix.row_indices(cells[row])) kept += new_index[gene] >= 0;
    result.indptr[row + 1] = kept;
  }
  for (std::int64_t row = 0; row < result.n_cells; ++row) {
    result.indptr[row + 1] += result.indptr[row];
  }
  result.indices.resize(result.indptr.back());
  result.values.resize(result.indptr.back());
#pragma omp parallel for num_threads(n_threads)
  for (std::int64_t row = 0; row < result.n_cells; ++row) {
    const auto row_genes = matrix.row_indices(cells[row]);
    const auto row_values = matrix.row_values(cells[row]);
    std::int64_t at = result.indptr[row];
    for (std::size_t k = 0; k < row_genes.size(); ++k) {
      if (new_index[row_genes[k]] < 0) continue;
      result.indices[at] = new_index[row_genes[k]];
      result.values[at++] = row_values[k];
    }
  }
  return result;
}

}  // namespace maskclass
