#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/evaluate/cell_blocks.h"

namespace maskclass {

/// Cells in the space of their principal components.
struct PrincipalComponents {
  std::int64_t n_cells = 0;
  std::int64_t n_components = 0;
  std::vector<double> scores;              ///< [n_cells][n_components]
  std::vector<double> explained_variance;  ///< [n_components], descending; divided by n_cells - 1.
  double total_variance = 0;               ///< Of all genes together.
};

/// The paper's D = max(2, min(50, N, G)) (Section 2.8), cut to the min(N - 1, G) that exist.
std::int64_t component_count(std::int64_t n_cells, std::int64_t n_genes);

/// The smaller of cells and genes may be no more than this: their matrix of products in float64
/// then takes 3.2 GB.
inline constexpr std::int64_t kMaxPcaSize = 20000;

/// Sums over cells of products of two genes' values less their means, [n_genes][n_genes], on
/// another device; it may decline. `means`: [n_genes].
using GeneProducts = std::function<std::optional<std::vector<double>>(
    const CellBlocks& blocks, std::span<const double> means)>;

/// Principal component analysis of centred, unscaled values, component_count() of them. Works on
/// the genes x genes covariance, or, where there are fewer cells than genes, on the cells x cells
/// products; in float64, over fixed blocks. Reads every block two or three times (cells x cells:
/// each pair of blocks once). The sign of a component makes its largest score positive. Memory: 8
/// min(N, G)^2 bytes, 8 N D bytes of scores and a few blocks. The bits do not depend on n_threads.
/// Where there are more cells than genes, `elsewhere` may take the largest part, their covariance.
/// Throws Error{usage} for fewer than 2 cells, no genes, or min(N, G) > kMaxPcaSize, and
/// Error{data} for values that are not finite.
PrincipalComponents principal_components(const CellBlocks& blocks, int n_threads,
                                         const GeneProducts& elsewhere = {});

}  // namespace maskclass
