#include "engine/evaluate/silhouette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "kernels/math/philox.h"

namespace maskclass {
namespace {

/// The "epoch" of the sampling's random numbers: no start of k-means has it.
constexpr std::uint32_t kSampleEpoch = 0xffffffffu;
/// Points whose distances are worked out together.
constexpr std::int64_t kPointsInTile = 128;

/// All points, or `max_points` of them drawn without replacement: those with the smallest random
/// keys.
std::vector<std::int64_t> sample(std::int64_t n_points, const SilhouetteOptions& options) {
  std::vector<std::int64_t> chosen(n_points);
  std::iota(chosen.begin(), chosen.end(), 0);
  if (n_points <= options.max_points) return chosen;
  const auto key = [&](std::int64_t i) {
    const philox::Words words =
        philox::random_words(philox::counter_of(philox::Purpose::k_means, kSampleEpoch,
                                                static_cast<std::uint32_t>(i), 0),
                             options.seed);
    return static_cast<std::uint64_t>(words[0]) << 32 | words[1];
  };
  std::vector<std::uint64_t> keys(n_points);
  for (std::int64_t i = 0; i < n_points; ++i) keys[i] = key(i);
  std::sort(chosen.begin(), chosen.end(), [&](std::int64_t a, std::int64_t b) {
    return std::pair(keys[a], a) < std::pair(keys[b], b);
  });
  chosen.resize(options.max_points);
  return chosen;
}

/// The sampled points in the order of their clusters, so that a cluster is a run of columns.
struct SortedPoints {
  std::int64_t n_points = 0;
  std::int64_t n_dimensions = 0;
  std::vector<double> transposed;  ///< [n_dimensions][n_points]: the vector loop runs over points.
  std::vector<std::int64_t> bounds;  ///< [clusters + 1]: cluster k is [bounds[k], bounds[k + 1]).
};

SortedPoints sort_by_cluster(const Points& points, std::span<const std::int32_t> clusters,
                             std::vector<std::int64_t> chosen) {
  std::sort(chosen.begin(), chosen.end(), [&](std::int64_t a, std::int64_t b) {
    return std::pair(clusters[a], a) < std::pair(clusters[b], b);
  });
  SortedPoints sorted;
  sorted.n_points = static_cast<std::int64_t>(chosen.size());
  sorted.n_dimensions = points.n_dimensions;
  sorted.transposed.resize(sorted.n_points * sorted.n_dimensions);
  for (std::int64_t i = 0; i < sorted.n_points; ++i) {
    for (std::int64_t d = 0; d < sorted.n_dimensions; ++d) {
      sorted.transposed[d * sorted.n_points + i] = points.point(chosen[i])[d];
    }
    if (i == 0 || clusters[chosen[i]] != clusters[chosen[i - 1]]) sorted.bounds.push_back(i);
  }
  sorted.bounds.push_back(sorted.n_points);
  return sorted;
}

/// Sum of the distances of point i to the points [begin, end).
double sum_of_distances(const SortedPoints& points, std::int64_t i, std::int64_t begin,
                        std::int64_t end) {
  double sum = 0;
  std::array<double, kPointsInTile> squares{};
  for (std::int64_t first = begin; first < end; first += kPointsInTile) {
    const std::int64_t n = std::min(kPointsInTile, end - first);
    squares.fill(0);
    for (std::int64_t d = 0; d < points.n_dimensions; ++d) {
      const double* row = points.transposed.data() + d * points.n_points;
      const double own = row[i];
      for (std::int64_t j = 0; j < n; ++j) {
        squares[j] += (row[first + j] - own) * (row[first + j] - own);
      }
    }
    for (std::int64_t j = 0; j < n; ++j) sum += std::sqrt(squares[j]);
  }
  return sum;
}

double silhouette_of(const SortedPoints& points, std::int64_t i) {
  double within = 0;
  double nearest_other = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k + 1 < points.bounds.size(); ++k) {
    const std::int64_t begin = points.bounds[k];
    const std::int64_t end = points.bounds[k + 1];
    const auto size = static_cast<double>(end - begin);
    const bool own = begin <= i && i < end;
    if (own && end - begin == 1) return 0;
    const double sum = sum_of_distances(points, i, begin, end);
    if (own) {
      within = sum / (size - 1);  // The distance to itself is 0.
    } else {
      nearest_other = std::min(nearest_other, sum / size);
    }
  }
  const double larger = std::max(within, nearest_other);
  return larger > 0 ? (nearest_other - within) / larger : 0;
}

}  // namespace

double mean_silhouette(const Points& points, std::span<const std::int32_t> clusters,
                       const SilhouetteOptions& options) {
  if (static_cast<std::int64_t>(clusters.size()) != points.n_points || clusters.empty()) {
    throw usage_error("silhouette: " + std::to_string(points.n_points) + " cells but " +
                      std::to_string(clusters.size()) + " cluster numbers");
  }
  const SortedPoints sorted = sort_by_cluster(points, clusters, sample(points.n_points, options));
  if (sorted.bounds.size() == 2) return 0;
  std::vector<double> silhouettes(sorted.n_points);
#pragma omp parallel for num_threads(options.n_threads) schedule(static)
  for (std::int64_t i = 0; i < sorted.n_points; ++i) silhouettes[i] = silhouette_of(sorted, i);
  double sum = 0;
  for (const double silhouette : silhouettes) sum += silhouette;
  return sum / static_cast<double>(sorted.n_points);
}

}  // namespace maskclass
