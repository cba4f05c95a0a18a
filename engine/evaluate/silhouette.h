#pragma once

#include <cstdint>
#include <span>

#include "engine/evaluate/k_means.h"

namespace maskclass {

struct SilhouetteOptions {
  std::int64_t max_points = 10000;  ///< More than these: a seeded sample of this many.
  std::uint64_t seed = 0;
  int n_threads = 1;  ///< Changes the speed only.
};

/// Mean over cells of s = (b - a) / max(a, b): a is the mean Euclidean distance to the other cells
/// of its cluster, b the smallest mean distance to the cells of another cluster (paper, Section
/// 2.8; Rousseeuw 1987). A cell that is alone in its cluster has 0, and so has one with a = b = 0;
/// a single cluster gives 0. `clusters` is [n_points], any whole numbers. Takes O(n^2) time and
/// O(n) memory. Throws Error{usage} where the lengths differ or there are no points.
double mean_silhouette(const Points& points, std::span<const std::int32_t> clusters,
                       const SilhouetteOptions& options);

}  // namespace maskclass
