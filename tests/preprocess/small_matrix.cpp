#include "tests/preprocess/small_matrix.h"

#include <cmath>
#include <random>

namespace maskclass::test {

CsrMatrix from_dense(const Dense& rows, std::int64_t n_genes) {
  CsrMatrix matrix;
  matrix.n_cells = static_cast<std::int64_t>(rows.size());
  matrix.n_genes = n_genes;
  for (const std::vector<float>& row : rows) {
    for (std::size_t gene = 0; gene < row.size(); ++gene) {
      if (row[gene] == 0) continue;
      matrix.indices.push_back(static_cast<std::int32_t>(gene));
      matrix.values.push_back(row[gene]);
    }
    matrix.indptr.push_back(static_cast<std::int64_t>(matrix.indices.size()));
  }
  return matrix;
}

Dense to_dense(const CsrMatrix& matrix) {
  Dense rows(matrix.n_cells, std::vector<float>(matrix.n_genes, 0.0f));
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    for (std::int64_t k = matrix.indptr[cell]; k < matrix.indptr[cell + 1]; ++k) {
      rows[cell][matrix.indices[k]] = matrix.values[k];
    }
  }
  return rows;
}

CsrMatrix random_counts(std::int64_t n_cells, std::int64_t n_genes, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<double> means(n_genes);
  for (double& mean : means) mean = std::pow(10.0, 3 * unit(generator) - 2);
  Dense rows(n_cells, std::vector<float>(n_genes, 0.0f));
  for (std::vector<float>& row : rows) {
    const double depth = 0.5 + unit(generator);
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      // A gamma-Poisson count: overdispersed, as real counts are.
      std::gamma_distribution<double> rate(0.5, 2 * means[gene] * depth);
      row[gene] = static_cast<float>(std::poisson_distribution<int>(rate(generator))(generator));
    }
    row[0] += 1;  // No cell is empty.
  }
  return from_dense(rows, n_genes);
}

}  // namespace maskclass::test
