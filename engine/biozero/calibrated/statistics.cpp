#include "engine/biozero/calibrated/statistics.h"

#include <algorithm>
#include <cmath>

namespace maskclass::calibrated {
namespace {

constexpr int kLibraryNodes = 4;
constexpr std::int64_t kCellBlocks = 8;  ///< Fixed: sums do not depend on the threads.

/// Sums of one block of cells, [n_clusters][n_genes]. Values are taken about a pivot of their gene,
/// so that the variance does not cancel.
struct Sums {
  std::vector<double> held_out;
  std::vector<double> n_nonzeros;
  std::vector<double> sum;
  std::vector<double> squares;

  explicit Sums(std::int64_t size) : held_out(size), n_nonzeros(size), sum(size), squares(size) {}
  void add(const Sums& other) {
    for (std::size_t k = 0; k < sum.size(); ++k) {
      held_out[k] += other.held_out[k];
      n_nonzeros[k] += other.n_nonzeros[k];
      sum[k] += other.sum[k];
      squares[k] += other.squares[k];
    }
  }
};

/// A value of each gene: its first in the matrix, 0 where it has none.
std::vector<double> pivots(const CsrView& counts, std::span<const double> library_factor) {
  std::vector<double> pivot(counts.n_genes);
  for (std::int64_t cell = counts.n_cells - 1; cell >= 0; --cell) {
    const auto genes = counts.row_indices(cell);
    const auto values = counts.row_values(cell);
    for (std::size_t k = 0; k < genes.size(); ++k)
      pivot[genes[k]] = values[k] / library_factor[cell];
  }
  return pivot;
}

}  // namespace

Clusters one_cluster(std::int64_t n_cells) {
  return {1, std::vector<std::int32_t>(n_cells, 0)};
}

Statistics gather_statistics(const CsrView& counts, std::span<const double> library_factor,
                             const Clusters& clusters, const HeldOut& held_out, int n_threads) {
  Statistics statistics;
  statistics.n_clusters = clusters.n_clusters;
  statistics.n_genes = counts.n_genes;
  const std::int64_t size = clusters.n_clusters * counts.n_genes;
  const std::vector<double> pivot = pivots(counts, library_factor);
  std::vector<Sums> partial(kCellBlocks, Sums(size));
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::int64_t block = 0; block < kCellBlocks; ++block) {
    Sums& sums = partial[block];
    const std::int64_t end = counts.n_cells * (block + 1) / kCellBlocks;
    for (std::int64_t cell = counts.n_cells * block / kCellBlocks; cell < end; ++cell) {
      const std::int64_t row = clusters.of_cell[cell] * counts.n_genes;
      for (const std::int32_t gene : held_out.of_cell(cell)) sums.held_out[row + gene] += 1;
      HeldOutCursor set_aside(held_out.of_cell(cell));
      const auto genes = counts.row_indices(cell);
      const auto values = counts.row_values(cell);
      for (std::size_t k = 0; k < genes.size(); ++k) {
        if (set_aside.contains(genes[k])) continue;
        const double value = values[k] / library_factor[cell] - pivot[genes[k]];
        sums.n_nonzeros[row + genes[k]] += 1;
        sums.sum[row + genes[k]] += value;
        sums.squares[row + genes[k]] += value * value;
      }
    }
  }
  for (std::int64_t block = 1; block < kCellBlocks; ++block) partial[0].add(partial[block]);

  std::vector<std::vector<double>> log_library(clusters.n_clusters);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    log_library[clusters.of_cell[cell]].push_back(std::log(library_factor[cell]));
  }
  for (const auto& points : log_library) {
    statistics.log_library.push_back(points.empty() ? Quadrature{{0.0}, {1.0}}
                                                    : gauss_quadrature(points, kLibraryNodes, 1));
  }
  statistics.genes.resize(size);
  const Sums& total = partial[0];
  for (std::int64_t k = 0; k < size; ++k) {
    GeneStatistics& gene = statistics.genes[k];
    const double n = total.n_nonzeros[k];
    gene.n_entries =
        static_cast<double>(log_library[k / counts.n_genes].size()) - total.held_out[k];
    gene.n_nonzeros = n;
    if (n < 1) continue;
    const double mean = total.sum[k] / n;
    gene.mean = pivot[k % counts.n_genes] + mean;
    if (n >= 2) gene.variance = std::max(0.0, (total.squares[k] - n * mean * mean) / (n - 1));
  }
  return statistics;
}

}  // namespace maskclass::calibrated
