#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/evaluate/cell_blocks.h"
#include "engine/matrix/csr.h"

namespace maskclass {

/// Genes (columns, ascending) with a non-zero count in at least `min_cells` cells: those that
/// library sizes sum over (paper, Section 2.1).
std::vector<std::int32_t> genes_in_cells(const CsrView& counts, int min_cells);

/// median(L) / L_i for every cell, L_i the sum of its counts over `genes`; the median is over the
/// cells that have any (of an even number, the mean of the middle two). A cell without counts gets
/// 0: its values are all 0.
std::vector<double> size_factors(const CsrView& counts, std::span<const std::int32_t> genes);
/// The same from library sizes.
std::vector<double> size_factors(std::span<const double> library_sizes);

/// Some cells and genes of a count matrix, in any order, with what normalises them.
struct NormalisedCounts {
  std::shared_ptr<const CsrMatrix> counts;
  std::vector<double> size_factors;  ///< [counts->n_cells]
  std::vector<std::int64_t> cells;   ///< Rows of `counts`.
  std::vector<std::int64_t> genes;   ///< Columns of `counts`, none twice.
};

/// x = log2(1 + count * size factor) of those cells and genes, in that order (paper, Section 2.1).
/// The blocks share the counts; `n_threads` changes the speed only.
CellBlocks log_normalised_blocks(NormalisedCounts matrix, int n_threads);

}  // namespace maskclass
