#include "engine/simulate/bayes_floor.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/first_error.h"
#include "engine/simulate/truth_posterior.h"

namespace maskclass::simulate {
namespace {

/// Cells whose posteriors are held at a time.
constexpr std::int64_t kCellsInBlock = 128;

struct CellSums {
  double variance = 0;
  double squared_error = 0;
  double brier = 0;
  std::int64_t n_zeros = 0;
};

void check_shapes(const Generator& generator, const CsrView& counts, const CsrView& true_counts) {
  for (const CsrView* matrix : {&counts, &true_counts}) {
    if (matrix->n_cells == generator.n_cells && matrix->n_genes == generator.n_genes) continue;
    throw data_error("Bayes floor: the generator has " + std::to_string(generator.n_cells) +
                     " cells x " + std::to_string(generator.n_genes) + " genes, but the " +
                     (matrix == &counts ? "counts have " : "true counts have ") +
                     std::to_string(matrix->n_cells) + " x " + std::to_string(matrix->n_genes) +
                     ": give the files of one simulation");
  }
}

/// log2(1 + count * scale) of one cell, dense over all genes.
void log_normalised(const CsrView& counts, std::int64_t cell, double scale,
                    std::vector<double>& row) {
  std::fill(row.begin(), row.end(), 0.0);
  const auto genes = counts.row_indices(cell);
  const auto values = counts.row_values(cell);
  for (std::size_t k = 0; k < genes.size(); ++k) row[genes[k]] = std::log2(1 + values[k] * scale);
}

/// `moments` [n genes asked for] are the cell's.
CellSums sums_of(std::span<const std::int32_t> genes, const std::vector<double>& x,
                 const std::vector<double>& truth, const PosteriorMoments* moments) {
  CellSums sums;
  for (std::size_t position = 0; position < genes.size(); ++position) {
    const std::int32_t gene = genes[position];
    const double error = x[gene] - truth[gene];
    if (x[gene] > 0) {
      sums.squared_error += error * error;
    } else {
      const double miss = moments[position].zero_probability - (truth[gene] == 0 ? 1 : 0);
      sums.brier += miss * miss;
      sums.variance += moments[position].variance;
      ++sums.n_zeros;
    }
  }
  return sums;
}

}  // namespace

BayesFloor bayes_floor(const Generator& generator, const CsrView& counts,
                       const CsrView& true_counts, std::span<const std::int32_t> library_genes,
                       std::span<const std::int32_t> genes, int n_threads,
                       const Callbacks& callbacks) {
  check_generator(generator, "Bayes floor");
  check_shapes(generator, counts, true_counts);
  const std::vector<double> scales = truth_scales(counts, library_genes, n_threads);
  const std::vector<double> true_scales = truth_scales(true_counts, library_genes, n_threads);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    if (!(scales[cell] > 0)) {
      throw data_error("Bayes floor: cell " + std::to_string(cell + 1) +
                       " has no counts in the genes kept: drop it");
    }
  }
  const TruthPosterior posterior(generator, true_scales, {genes.begin(), genes.end()}, n_threads,
                                 callbacks);
  const std::int64_t n_genes = std::ssize(genes);
  std::vector<CellSums> sums(counts.n_cells);
  std::vector<PosteriorMoments> moments(kCellsInBlock * n_genes);
  for (std::int64_t first = 0; first < counts.n_cells; first += kCellsInBlock) {
    const std::int64_t n_cells = std::min(kCellsInBlock, counts.n_cells - first);
    posterior.block(first, n_cells, moments.data(), n_threads);
    FirstError error;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (std::int64_t row = 0; row < n_cells; ++row) {
      const std::int64_t cell = first + row;
      error.guard([&] {
        std::vector<double> x(counts.n_genes);
        std::vector<double> truth(counts.n_genes);
        log_normalised(counts, cell, scales[cell], x);
        log_normalised(true_counts, cell, true_scales[cell], truth);
        sums[cell] = sums_of(genes, x, truth, &moments[row * n_genes]);
      });
    }
    error.rethrow();
  }
  BayesFloor floor;
  floor.n_entries = counts.n_cells * n_genes;
  for (const CellSums& cell : sums) {
    floor.zeros += cell.variance;
    floor.nonzeros += cell.squared_error;
    floor.brier += cell.brier;
    floor.n_zeros += cell.n_zeros;
  }
  if (floor.n_zeros > 0) floor.brier /= static_cast<double>(floor.n_zeros);
  if (floor.n_entries > 0) {
    floor.zeros /= static_cast<double>(floor.n_entries);
    floor.nonzeros /= static_cast<double>(floor.n_entries);
  }
  return floor;
}

}  // namespace maskclass::simulate
