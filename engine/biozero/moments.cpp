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

struct GeneMoments {
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

GeneMoments moments_of_nonzeros(const CsrView& counts, std::span<const double> library_factor,
                                int n_threads) {
  GeneMoments moments;
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

std::vector<double> shrunken_dispersions(const GeneMoments& moments) {
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

}  // namespace

DropoutModel fit_moments(const CsrView& counts, std::span<const double> library_factor,
                         int n_threads) {
  require_library_factors(library_factor, counts.n_cells);
  const GeneMoments moments = moments_of_nonzeros(counts, library_factor, n_threads);
  DropoutModel model;
  model.mean = moments.mean;
  model.dispersion = shrunken_dispersions(moments);

  std::vector<double> log_library(library_factor.size());
  for (std::size_t i = 0; i < log_library.size(); ++i) log_library[i] = std::log(library_factor[i]);
  std::vector<double> zero_rate(moments.n_nonzero);
  for (double& rate : zero_rate) rate = 1 - rate / static_cast<double>(counts.n_cells);

  const DropoutCurve curve =
      fit_dropout_curve({model.mean, model.dispersion, zero_rate},
                        gauss_quadrature(log_library, kQuadratureNodes, n_threads), n_threads);
  model.a = curve.a;
  model.b = curve.b;
  return model;
}

}  // namespace maskclass
