#include "engine/evaluate/k_means.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "engine/error.h"
#include "kernels/math/philox.h"

namespace maskclass {
namespace {

double squared_distance(const double* a, const double* b, std::int64_t n_dimensions) {
  double sum = 0;
  for (std::int64_t d = 0; d < n_dimensions; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

/// Runs starts one after the other and keeps the best. Threads have a worker each, so that sums run
/// over the points in order, whatever the number of threads. Memory is taken when it is made.
class Worker {
 public:
  Worker(const Points& points, const KMeansOptions& options)
      : points_(points),
        options_(options),
        distances_(points.n_points),
        transposed_(options.n_clusters * points.n_dimensions),
        to_centre_(options.n_clusters),
        sizes_(options.n_clusters) {
    for (KMeans* result : {&best_, &result_}) {
      result->clusters.resize(points.n_points);
      result->centres.resize(options.n_clusters * points.n_dimensions);
      result->inertia = std::numeric_limits<double>::infinity();
    }
  }

  void run(int start) {
    start_ = static_cast<std::uint32_t>(start);
    seed_centres();
    improve_centres();
    if (best_start_ >= 0 && !(result_.inertia < best_.inertia)) return;
    best_start_ = start;
    std::swap(best_, result_);
  }

  int best_start() const { return best_start_; }  ///< -1 where none was run.
  KMeans& best() { return best_; }

 private:
  double* centre(std::int64_t cluster) {
    return result_.centres.data() + cluster * points_.n_dimensions;
  }

  double random(std::int32_t step) const {
    const philox::Words words = philox::random_words(
        philox::counter_of(philox::Purpose::k_means, start_, static_cast<std::uint32_t>(step), 0),
        options_.seed);
    return philox::to_open_unit_double(words[0], words[1]);
  }

  /// k-means++: each further centre is a point drawn with a chance proportional to its squared
  /// distance to the nearest centre so far.
  void seed_centres() {
    std::fill(distances_.begin(), distances_.end(), std::numeric_limits<double>::infinity());
    const auto first = static_cast<std::int64_t>(random(0) * static_cast<double>(points_.n_points));
    double total = place_centre(0, std::min(first, points_.n_points - 1));
    for (std::int32_t cluster = 1; cluster < options_.n_clusters; ++cluster) {
      total = place_centre(cluster, far_point(random(cluster) * total));
    }
  }

  /// Puts a centre on a point. Returns the sum of the distances to the nearest centres.
  double place_centre(std::int32_t cluster, std::int64_t at) {
    std::copy_n(points_.point(at), points_.n_dimensions, centre(cluster));
    double total = 0;
    for (std::int64_t i = 0; i < points_.n_points; ++i) {
      const double distance =
          squared_distance(points_.point(i), centre(cluster), points_.n_dimensions);
      distances_[i] = std::min(distances_[i], distance);
      total += distances_[i];
    }
    return total;
  }

  /// The point at which the running sum of distances passes `target`. Rounding may carry the target
  /// past the end: then the last point that is not on a centre, if any.
  std::int64_t far_point(double target) const {
    std::int64_t found = 0;
    double sum = 0;
    for (std::int64_t i = 0; i < points_.n_points && sum <= target; ++i) {
      if (distances_[i] > 0) found = i;
      sum += distances_[i];
    }
    return found;
  }

  /// Lloyd's iterations.
  void improve_centres() {
    std::fill(result_.clusters.begin(), result_.clusters.end(), -1);
    result_.converged = false;
    for (result_.iterations = 1;; ++result_.iterations) {
      const bool moved = assign_points();
      const bool refilled = refill_empty_clusters();
      result_.converged = !moved && !refilled;
      if (result_.converged || result_.iterations >= options_.max_iterations) break;
      move_centres();
    }
    result_.inertia = 0;
    for (const double distance : distances_) result_.inertia += distance;
  }

  /// Gives every point to its nearest centre, the first of equals. Returns whether any moved.
  bool assign_points() {
    const std::int64_t n_clusters = options_.n_clusters;
    // Transposed, so that the loop over clusters is the vector loop and no sum is reordered.
    for (std::int64_t k = 0; k < n_clusters; ++k) {
      for (std::int64_t d = 0; d < points_.n_dimensions; ++d) {
        transposed_[d * n_clusters + k] = centre(k)[d];
      }
    }
    bool moved = false;
    for (std::int64_t i = 0; i < points_.n_points; ++i) {
      std::fill(to_centre_.begin(), to_centre_.end(), 0.0);
      for (std::int64_t d = 0; d < points_.n_dimensions; ++d) {
        const double value = points_.point(i)[d];
        const double* centres = transposed_.data() + d * n_clusters;
        for (std::int64_t k = 0; k < n_clusters; ++k) {
          to_centre_[k] += (value - centres[k]) * (value - centres[k]);
        }
      }
      const auto nearest = std::min_element(to_centre_.begin(), to_centre_.end());
      const auto cluster = static_cast<std::int32_t>(nearest - to_centre_.begin());
      distances_[i] = *nearest;
      moved = moved || result_.clusters[i] != cluster;
      result_.clusters[i] = cluster;
    }
    return moved;
  }

  /// Gives each empty cluster the point that is farthest from its centre, of clusters that keep
  /// one. Returns whether any was given.
  bool refill_empty_clusters() {
    count_sizes();
    bool refilled = false;
    for (std::int32_t cluster = 0; cluster < options_.n_clusters; ++cluster) {
      if (sizes_[cluster] > 0) continue;
      const std::int64_t farthest = farthest_point();
      if (farthest < 0) break;
      --sizes_[result_.clusters[farthest]];
      ++sizes_[cluster];
      result_.clusters[farthest] = cluster;
      std::copy_n(points_.point(farthest), points_.n_dimensions, centre(cluster));
      distances_[farthest] = 0;
      refilled = true;
    }
    return refilled;
  }

  /// -1 where every point lies on its centre.
  std::int64_t farthest_point() const {
    std::int64_t farthest = -1;
    for (std::int64_t i = 0; i < points_.n_points; ++i) {
      if (sizes_[result_.clusters[i]] < 2 || distances_[i] <= 0) continue;
      if (farthest < 0 || distances_[i] > distances_[farthest]) farthest = i;
    }
    return farthest;
  }

  void count_sizes() {
    std::fill(sizes_.begin(), sizes_.end(), 0);
    for (const std::int32_t cluster : result_.clusters) ++sizes_[cluster];
  }

  /// Every centre to the mean of its points; that of an empty cluster stays.
  void move_centres() {
    for (std::int32_t cluster = 0; cluster < options_.n_clusters; ++cluster) {
      if (sizes_[cluster] > 0) std::fill_n(centre(cluster), points_.n_dimensions, 0.0);
    }
    for (std::int64_t i = 0; i < points_.n_points; ++i) {
      double* sum = centre(result_.clusters[i]);
      for (std::int64_t d = 0; d < points_.n_dimensions; ++d) sum[d] += points_.point(i)[d];
    }
    for (std::int32_t cluster = 0; cluster < options_.n_clusters; ++cluster) {
      if (sizes_[cluster] == 0) continue;
      const auto size = static_cast<double>(sizes_[cluster]);
      for (std::int64_t d = 0; d < points_.n_dimensions; ++d) centre(cluster)[d] /= size;
    }
  }

  const Points& points_;
  const KMeansOptions& options_;
  std::uint32_t start_ = 0;
  int best_start_ = -1;
  KMeans best_;
  KMeans result_;                    ///< Of the start that runs.
  std::vector<double> distances_;    ///< [n_points]: squared, to the own centre.
  std::vector<double> transposed_;   ///< [n_dimensions][n_clusters]: the centres.
  std::vector<double> to_centre_;    ///< [n_clusters]: squared distances of one point.
  std::vector<std::int64_t> sizes_;  ///< [n_clusters]: points in each.
};

void check(const Points& points, const KMeansOptions& options) {
  if (options.n_clusters < 1 || options.n_clusters > points.n_points) {
    throw usage_error("k-means: " + std::to_string(options.n_clusters) + " clusters of " +
                      std::to_string(points.n_points) +
                      " cells; the number of clusters must be from 1 to the number of cells");
  }
  if (options.n_starts < 1 || options.max_iterations < 1) {
    throw usage_error("k-means: the numbers of starts and of iterations must be at least 1");
  }
}

}  // namespace

KMeans k_means(const Points& points, const KMeansOptions& options) {
  check(points, options);
  const int n_workers = std::clamp(options.n_threads, 1, options.n_starts);
  std::vector<Worker> workers(n_workers, Worker(points, options));
#pragma omp parallel for num_threads(n_workers) schedule(static, 1)
  for (int worker = 0; worker < n_workers; ++worker) {
    for (int start = worker; start < options.n_starts; start += n_workers) {
      workers[worker].run(start);
    }
  }
  Worker* best = &workers[0];
  for (Worker& worker : workers) {
    if (std::pair(worker.best().inertia, worker.best_start()) <
        std::pair(best->best().inertia, best->best_start())) {
      best = &worker;
    }
  }
  return std::move(best->best());
}

}  // namespace maskclass
