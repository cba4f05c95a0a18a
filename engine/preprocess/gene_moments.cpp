#include "engine/preprocess/gene_moments.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace maskclass {
namespace {

/// The number of partial sums, and so the most threads that help.
constexpr int kBlocks = 32;
/// A variance below this share of the squared mean is what rounding makes of equal values.
constexpr double kRoundingNoise = 1e-24;

/// Sums term(gene, x) over the non-zeros of each gene, x being the log2 value.
template <typename Term>
std::vector<double> sum_by_gene(const CsrPart& counts, const std::vector<double>& factors,
                                int n_threads, const Term& term) {
  const std::int64_t n_genes = counts.n_genes();
  std::vector<double> partial(static_cast<std::size_t>(kBlocks) * n_genes, 0.0);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
  for (int block = 0; block < kBlocks; ++block) {
    double* sums = partial.data() + static_cast<std::size_t>(block) * n_genes;
    const std::int64_t end = counts.n_cells() * (block + 1) / kBlocks;
    for_each_run(counts.n_cells() * block / kBlocks, end, [&](std::int64_t run, std::int64_t last) {
      for (std::int64_t cell = run; cell < last; ++cell) {
        counts.for_each_nonzero(cell, [&](std::int32_t gene, float count) {
          const double x = std::log2(static_cast<double>(count) / factors[cell] + 1.0);
          sums[gene] += term(gene, x);
        });
      }
      counts.give_back(run, last);
    });
  }
  std::vector<double> total(n_genes, 0.0);
  for (int block = 0; block < kBlocks; ++block) {
    const auto sums = partial.begin() + static_cast<std::ptrdiff_t>(block) * n_genes;
    std::transform(total.begin(), total.end(), sums, total.begin(), std::plus<>());
  }
  return total;
}

std::vector<std::int64_t> nonzeros_by_gene(const CsrPart& counts) {
  std::vector<std::int64_t> n_nonzeros(counts.n_genes(), 0);
  for_each_run(0, counts.n_cells(), [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t cell = first; cell < end; ++cell) {
      counts.for_each_nonzero(cell, [&](std::int32_t gene, float) { ++n_nonzeros[gene]; });
    }
    counts.give_back(first, end);
  });
  return n_nonzeros;
}

}  // namespace

GeneMoments log_moments(const CsrPart& counts, std::span<const double> library_sizes,
                        int n_threads) {
  n_threads = std::max(1, n_threads);
  GeneMoments moments;
  const std::int64_t n_genes = counts.n_genes();
  moments.means.assign(n_genes, 0.0);
  moments.variances.assign(n_genes, 0.0);
  if (counts.n_cells() == 0) return moments;

  const auto n_cells = static_cast<double>(counts.n_cells());
  const double mean_size =
      std::accumulate(library_sizes.begin(), library_sizes.end(), 0.0) / n_cells;
  std::vector<double> factors(library_sizes.begin(), library_sizes.end());
  for (double& factor : factors) factor /= mean_size;

  std::vector<double>& means = moments.means;
  means = sum_by_gene(counts, factors, n_threads, [](std::int32_t, double x) { return x; });
  for (double& mean : means) mean /= n_cells;
  if (counts.n_cells() < 2) return moments;

  moments.variances = sum_by_gene(counts, factors, n_threads, [&](std::int32_t gene, double x) {
    return (x - means[gene]) * (x - means[gene]);
  });
  const std::vector<std::int64_t> n_nonzeros = nonzeros_by_gene(counts);
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    const double n_zeros = n_cells - static_cast<double>(n_nonzeros[gene]);
    const double squared_mean = means[gene] * means[gene];
    double& variance = moments.variances[gene];
    variance = (variance + n_zeros * squared_mean) / (n_cells - 1);
    if (variance < kRoundingNoise * squared_mean) variance = 0;
  }
  return moments;
}

}  // namespace maskclass
