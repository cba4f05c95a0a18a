#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass {

/// The variance of one gene's log2 values, split by the mean-variance trend of all genes.
struct GeneVariance {
  double mean = 0;         ///< Mean of log2(count / s + 1) over cells.
  double total = 0;        ///< Sample variance (n - 1) of the same; 0 for fewer than two cells.
  double technical = 0;    ///< The trend at `mean`; 0 where no gene is fit to carry a trend.
  double biological = 0;   ///< total - technical.
  std::int32_t rank = -1;  ///< From 0, the most variable; -1 where not among the chosen.
};

/// The table of all genes, and the chosen ones.
struct HvgResult {
  std::vector<GeneVariance> genes;  ///< [n_genes], in input order.
  std::vector<std::int32_t> top;    ///< Columns of the chosen genes, most variable first.
};

/// Ranks genes by their biological variance as Bioconductor's scran does (`modelGeneVar` and
/// `getTopHVGs`): docs/highly-variable-genes.md has the steps and their sources.
///
/// `counts`: cells x genes that passed the filter. `library_sizes`: [n_cells], positive. Chosen are
/// the first `n_top` genes (0: all) with positive biological variance, ties in input order, so
/// fewer than `n_top` are possible. Sums run over fixed blocks of cells: the result does not depend
/// on `n_threads`. Extra memory: 256 bytes a gene, none a non-zero.
///
/// Defined for every input: with one cell all variances are 0; where no gene has a mean of at least
/// 0.1 and a variance above 1e-8, the technical variance is 0 and genes rank by their total one.
HvgResult rank_highly_variable_genes(const CsrPart& counts, std::span<const double> library_sizes,
                                     int n_top, int n_threads);

/// The same for cells of several batches (samples, runs): every batch is ranked for itself, with
/// its own trend and its library sizes related to its own mean, and the means and variances of a
/// gene are averaged over the batches, each weighing the same (scran's `combineVar`, equiweight):
/// genes that differ between batches only are not chosen for that. `batch_of`: [n_cells], numbers
/// from 0, or empty: one batch. Batches of one cell have no variance and are left out.
HvgResult rank_highly_variable_genes(const CsrPart& counts, std::span<const double> library_sizes,
                                     std::span<const std::int32_t> batch_of, int n_top,
                                     int n_threads);

}  // namespace maskclass
