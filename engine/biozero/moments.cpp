#include "engine/biozero/moments.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/biozero/dropout_curve.h"
#include "engine/biozero/posterior.h"
#include "engine/biozero/quadrature.h"
#include "engine/preprocess/quantile.h"

namespace maskclass {
namespace {

constexpr double kPriorCells = 50;  ///< Non-zeros at which a gene outweighs the median.
constexpr double kSmallestDispersion = 1e-2;
constexpr std::int64_t kCellBlocks = 16;  ///< Fixed: sums do not depend on the threads.
constexpr int kQuadratureNodes = 32;      ///< docs/biozero.md: the error this leaves.

struct NonzeroMoments {
  std::vector<double> n_nonzero;  // [genes]
  std::vector<double> mean;       // [genes], of the non-zero c/l; 0 without any
  std::vector<double> variance;   // [genes], sample variance; 0 where n < 2
};

/// sums[gene] = sum over the non-zeros of the gene of term(gene, c/l): in blocks of cells, which
/// are summed in order.
template <class Term>
std::vector<double> sum_by_gene(const CsrView& counts, std::span<const double> library_factor,
                                int n_threads, const Term& term) {
  std::vector<std::vector<double>> partial(kCellBlocks, std::vector<double>(counts.n_genes));
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (std::int64_t block = 0; block < kCellBlocks; ++block) {
    std::vector<double>& sums = partial[block];
    const std::int64_t end = counts.n_cells * (block + 1) / kCellBlocks;
    for (std::int64_t cell = counts.n_cells * block / kCellBlocks; cell < end; ++cell) {
      const auto genes = counts.row_indices(cell);
      const auto values = counts.row_values(cell);
      for (std::size_t k = 0; k < genes.size(); ++k) {
        sums[genes[k]] += term(genes[k], values[k] / library_factor[cell]);
      }
    }
  }
  std::vector<double> total(counts.n_genes);
  for (const auto& sums : partial) {
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) total[gene] += sums[gene];
  }
  return total;
}

NonzeroMoments moments_of_nonzeros(const CsrView& counts, std::span<const double> library_factor,
                                   int n_threads) {
  NonzeroMoments moments;
  moments.n_nonzero =
      sum_by_gene(counts, library_factor, n_threads, [](std::int32_t, double) { return 1.0; });
  moments.mean = sum_by_gene(counts, library_factor, n_threads,
                             [](std::int32_t, double value) { return value; });
  for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
    if (moments.n_nonzero[gene] > 0) moments.mean[gene] /= moments.n_nonzero[gene];
  }
  moments.variance =
      sum_by_gene(counts, library_factor, n_threads, [&](std::int32_t gene, double value) {
        const double difference = value - moments.mean[gene];
        return difference * difference;
      });
  for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
    moments.variance[gene] /= std::max(1.0, moments.n_nonzero[gene] - 1);
  }
  return moments;
}

std::vector<double> shrunken_dispersions(const NonzeroMoments& moments) {
  const std::size_t n_genes = moments.mean.size();
  std::vector<double> raw(n_genes);
  std::vector<double> known;
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    if (moments.n_nonzero[gene] < 2) continue;
    const double mean = moments.mean[gene];
    raw[gene] = (moments.variance[gene] - mean) / (mean * mean);
    known.push_back(raw[gene]);
  }
  const double median = known.empty() ? kSmallestDispersion : quantile(std::span(known), 0.5);
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    const double n = moments.n_nonzero[gene];
    const double weight = n < 2 ? 0 : n / (n + kPriorCells);
    raw[gene] = std::max(weight * raw[gene] + (1 - weight) * median, kSmallestDispersion);
  }
  return raw;
}

/// The cells of a group: what its curve is fitted to.
struct GroupCells {
  std::vector<double> log_library;  // [cells of the group]
  std::vector<double> n_nonzero;    // [genes]: cells of the group that have the gene
};

std::vector<GroupCells> gather(const CsrView& counts, std::span<const double> library_factor,
                               const DropoutGroups& groups) {
  std::vector<GroupCells> cells(groups.n_groups);
  for (GroupCells& group : cells) group.n_nonzero.resize(counts.n_genes);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    GroupCells& group = cells[groups.of_cell.empty() ? 0 : groups.of_cell[cell]];
    group.log_library.push_back(std::log(library_factor[cell]));
    for (const std::int32_t gene : counts.row_indices(cell)) group.n_nonzero[gene] += 1;
  }
  return cells;
}

DropoutCurve curve_of(const GroupCells& cells, const DropoutModel& genes, int n_threads) {
  std::vector<double> zero_rate(cells.n_nonzero);
  const auto n_cells = static_cast<double>(cells.log_library.size());
  for (double& rate : zero_rate) rate = 1 - rate / n_cells;
  return fit_dropout_curve({genes.mean, genes.dispersion, zero_rate},
                           gauss_quadrature(cells.log_library, kQuadratureNodes, n_threads),
                           n_threads);
}

}  // namespace

DropoutModel fit_moments(const CsrView& counts, std::span<const double> library_factor,
                         int n_threads) {
  return fit_moments_by_group(counts, library_factor, {}, n_threads).front();
}

std::vector<DropoutModel> fit_moments_by_group(const CsrView& counts,
                                               std::span<const double> library_factor,
                                               const DropoutGroups& groups, int n_threads) {
  require_library_factors(library_factor, counts.n_cells);
  const NonzeroMoments moments = moments_of_nonzeros(counts, library_factor, n_threads);
  DropoutModel genes;
  genes.mean = moments.mean;
  genes.dispersion = shrunken_dispersions(moments);
  std::vector<DropoutModel> models;
  for (const GroupCells& cells : gather(counts, library_factor, groups)) {
    const DropoutCurve curve = curve_of(cells, genes, n_threads);
    models.push_back(genes);
    models.back().a = curve.a;
    models.back().b = curve.b;
  }
  return models;
}

}  // namespace maskclass
