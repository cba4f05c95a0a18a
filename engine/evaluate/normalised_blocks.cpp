#include "engine/evaluate/normalised_blocks.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kernels/math/normalise.h"

namespace maskclass {
namespace {

double median_of_positive(std::span<const double> values) {
  std::vector<double> positive;
  std::copy_if(values.begin(), values.end(), std::back_inserter(positive),
               [](double value) { return value > 0; });
  if (positive.empty()) return 0;
  std::sort(positive.begin(), positive.end());
  const std::size_t n = positive.size();
  return n % 2 == 1 ? positive[n / 2] : (positive[n / 2 - 1] + positive[n / 2]) / 2;
}

/// Where each column of the counts goes; -1 where it is not wanted.
std::vector<std::int64_t> places(const NormalisedCounts& matrix) {
  std::vector<std::int64_t> places(matrix.counts->n_genes, -1);
  for (std::size_t place = 0; place < matrix.genes.size(); ++place) {
    places[matrix.genes[place]] = static_cast<std::int64_t>(place);
  }
  return places;
}

}  // namespace

std::vector<std::int32_t> genes_in_cells(const CsrView& counts, int min_cells) {
  std::vector<std::int64_t> n_cells(counts.n_genes, 0);
  for (const std::int32_t gene : counts.indices) ++n_cells[gene];
  std::vector<std::int32_t> genes;
  for (std::int32_t gene = 0; gene < counts.n_genes; ++gene) {
    if (n_cells[gene] >= min_cells) genes.push_back(gene);
  }
  return genes;
}

std::vector<double> size_factors(std::span<const double> library_sizes) {
  const double median = median_of_positive(library_sizes);
  std::vector<double> factors;
  factors.reserve(library_sizes.size());
  for (const double size : library_sizes) factors.push_back(size > 0 ? median / size : 0);
  return factors;
}

std::vector<double> size_factors(const CsrView& counts, std::span<const std::int32_t> genes) {
  std::vector<bool> summed(counts.n_genes, false);
  for (const std::int32_t gene : genes) summed[gene] = true;
  std::vector<double> library_sizes(counts.n_cells, 0);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const auto cell_genes = counts.row_indices(cell);
    const auto cell_counts = counts.row_values(cell);
    for (std::size_t k = 0; k < cell_genes.size(); ++k) {
      if (summed[cell_genes[k]]) library_sizes[cell] += cell_counts[k];
    }
  }
  return size_factors(library_sizes);
}

CellBlocks log_normalised_blocks(NormalisedCounts matrix, int n_threads) {
  const auto n_cells = static_cast<std::int64_t>(matrix.cells.size());
  const auto n_genes = static_cast<std::int64_t>(matrix.genes.size());
  auto place = places(matrix);
  const auto read = [matrix = std::move(matrix), place = std::move(place), n_genes, n_threads](
                        std::int64_t first, std::int64_t n, float* out) {
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (std::int64_t row = 0; row < n; ++row) {
      const std::int64_t cell = matrix.cells[first + row];
      const CsrView counts = matrix.counts->view();
      const auto genes = counts.row_indices(cell);
      const auto values = counts.row_values(cell);
      float* values_out = out + row * n_genes;
      std::fill_n(values_out, n_genes, 0.0f);
      for (std::size_t k = 0; k < genes.size(); ++k) {
        if (place[genes[k]] < 0) continue;
        values_out[place[genes[k]]] = log_normalised(values[k], matrix.size_factors[cell]);
      }
    }
  };
  return {n_cells, n_genes, read};
}

}  // namespace maskclass
