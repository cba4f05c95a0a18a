#pragma once

#include <cstdint>
#include <span>

namespace maskclass {

/// How well a clustering agrees with known labels (paper, Section 2.8).
struct PartitionScores {
  double ari = 0;     ///< Adjusted Rand index: 1 the same, 0 as good as chance; may be negative.
  double nmi = 0;     ///< Normalised mutual information, 2 I / (H + H), in [0, 1].
  double purity = 0;  ///< Share of cells that carry the commonest label of their cluster.
};

/// Compares `labels` (the truth) and `clusters` (what was found), one whole number a cell; which
/// numbers stand for which group does not matter. ARI and NMI are 1 where both partitions are
/// trivial in the same way (all cells in one group, or, for ARI, every cell on its own), where
/// their formulas are 0 / 0. Throws Error{usage} where the lengths differ or there are no cells.
PartitionScores partition_scores(std::span<const std::int32_t> labels,
                                 std::span<const std::int32_t> clusters);

}  // namespace maskclass
