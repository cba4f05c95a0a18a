#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace maskclass {

/// Points in a Euclidean space, not owned: [n_points][n_dimensions], row by row.
struct Points {
  std::span<const double> values;
  std::int64_t n_points = 0;
  std::int64_t n_dimensions = 0;

  const double* point(std::int64_t i) const { return values.data() + i * n_dimensions; }
};

struct KMeansOptions {
  std::int32_t n_clusters = 2;
  int n_starts = 20;         ///< The start with the smallest inertia wins; the first of equals.
  int max_iterations = 300;  ///< A start that still moves cells then is taken as it is.
  std::uint64_t seed = 0;
  int n_threads = 1;  ///< Changes the speed only.
};

struct KMeans {
  std::vector<std::int32_t> clusters;  ///< [n_points], in [0, n_clusters).
  std::vector<double> centres;         ///< [n_clusters][n_dimensions]
  double inertia = 0;                  ///< Sum of squared distances to the cell's own centre.
  int iterations = 0;                  ///< Of the winning start.
  bool converged = false;              ///< No cell moved in its last iteration.
};

/// k-means: k-means++ seeding (Arthur and Vassilvitskii 2007, one candidate a step) and Lloyd's
/// iterations until no cell moves. A cluster that loses all its points restarts at the point that
/// is farthest from its centre; where there are fewer distinct points than clusters some clusters
/// stay empty. Random numbers: Philox purpose k_means, epoch = start, cell = step of the seeding.
/// Throws Error{usage} where n_clusters is not in [1, n_points] or n_starts, max_iterations < 1.
KMeans k_means(const Points& points, const KMeansOptions& options);

}  // namespace maskclass
