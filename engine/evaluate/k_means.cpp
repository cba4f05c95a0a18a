#include "engine/evaluate/k_means.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "engine/error.h"
#include "kernels/math/philox.h"

namespace maskclass {
namespace {

/// Points are worked on in at most this many runs; partial sums are added run by run, so that the
/// bits depend on the number of points only.
constexpr std::int64_t kMaxRuns = 256;
constexpr std::int64_t kMinPointsARun = 256;

struct Runs {
  explicit Runs(std::int64_t n)
      : n_points(n), length(std::max(kMinPointsARun, (n + kMaxRuns - 1) / kMaxRuns)) {}
  std::int64_t count() const { return (n_points + length - 1) / length; }
  std::int64_t begin(std::int64_t run) const { return run * length; }
  std::int64_t end(std::int64_t run) const { return std::min(n_points, begin(run) + length); }

  std::int64_t n_points;
  std::int64_t length;
};

double squared_distance(const double* a, const double* b, std::int64_t n_dimensions) {
  double sum = 0;
  for (std::int64_t d = 0; d < n_dimensions; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

double total(const std::vector<double>& parts) {
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

/// One start of k-means: its own seeding, then Lloyd's iterations.
class Start {
 public:
  Start(const Points& points, const KMeansOptions& options, int start)
      : points_(points),
        options_(options),
        start_(static_cast<std::uint32_t>(start)),
        runs_(points.n_points),
        distances_(points.n_points, std::numeric_limits<double>::infinity()) {
    result_.clusters.assign(points.n_points, -1);
    result_.centres.assign(options.n_clusters * points.n_dimensions, 0);
  }

  KMeans run() {
    seed_centres();
    while (result_.iterations < options_.max_iterations) {
      ++result_.iterations;
      const std::int64_t moved = assign();
      result_.converged = moved == 0 && !refill_empty_clusters();
      if (result_.converged) break;
      move_centres();
    }
    if (!result_.converged) assign();  // The inertia must be that of the centres returned.
    result_.inertia = inertia();
    return std::move(result_);
  }

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
    const auto uniform = static_cast<std::int64_t>(random(0) * points_.n_points);
    place_centre(0, std::min(uniform, points_.n_points - 1));
    for (std::int32_t cluster = 1; cluster < options_.n_clusters; ++cluster) {
      place_centre(cluster, draw_far_point(random(cluster)));
    }
  }

  void place_centre(std::int32_t cluster, std::int64_t at) {
    std::copy_n(points_.point(at), points_.n_dimensions, centre(cluster));
    run_sums_.assign(runs_.count(), 0);
#pragma omp parallel for num_threads(options_.n_threads) schedule(static)
    for (std::int64_t run = 0; run < runs_.count(); ++run) {
      for (std::int64_t i = runs_.begin(run); i < runs_.end(run); ++i) {
        const double distance =
            squared_distance(points_.point(i), centre(cluster), points_.n_dimensions);
        distances_[i] = std::min(distances_[i], distance);
        run_sums_[run] += distances_[i];
      }
    }
  }

  std::int64_t draw_far_point(double uniform) const {
    double rest = uniform * total(run_sums_);
    std::int64_t run = 0;
    while (run + 1 < runs_.count() && rest >= run_sums_[run]) rest -= run_sums_[run++];
    // Rounding may carry `rest` past the run's last point: the last one with a chance is meant.
    std::int64_t drawn = runs_.begin(run);
    for (std::int64_t i = runs_.begin(run); i < runs_.end(run); ++i) {
      if (distances_[i] <= 0) continue;
      drawn = i;
      rest -= distances_[i];
      if (rest < 0) break;
    }
    return drawn;
  }

  /// Gives every point to its nearest centre, the first of equals. Returns how many moved.
  std::int64_t assign() {
    const std::int64_t n_clusters = options_.n_clusters;
    const std::int64_t n_dimensions = points_.n_dimensions;
    // Transposed, so that the loop over clusters is the vector loop and no sum is reordered.
    std::vector<double> transposed(n_dimensions * n_clusters);
    for (std::int64_t k = 0; k < n_clusters; ++k) {
      for (std::int64_t d = 0; d < n_dimensions; ++d) {
        transposed[d * n_clusters + k] = centre(k)[d];
      }
    }
    std::int64_t moved = 0;
#pragma omp parallel num_threads(options_.n_threads) reduction(+ : moved)
    {
      std::vector<double> to_centre(n_clusters);
#pragma omp for schedule(static)
      for (std::int64_t i = 0; i < points_.n_points; ++i) {
        std::fill(to_centre.begin(), to_centre.end(), 0.0);
        for (std::int64_t d = 0; d < n_dimensions; ++d) {
          const double value = points_.point(i)[d];
          const double* centres = transposed.data() + d * n_clusters;
          for (std::int64_t k = 0; k < n_clusters; ++k) {
            to_centre[k] += (value - centres[k]) * (value - centres[k]);
          }
        }
        const auto nearest = std::min_element(to_centre.begin(), to_centre.end());
        const auto cluster = static_cast<std::int32_t>(nearest - to_centre.begin());
        distances_[i] = *nearest;
        if (result_.clusters[i] != cluster) ++moved;
        result_.clusters[i] = cluster;
      }
    }
    return moved;
  }

  /// Gives each empty cluster the point that is farthest from its centre, of clusters that keep
  /// one. Returns whether any was given.
  bool refill_empty_clusters() {
    std::vector<std::int64_t> sizes(options_.n_clusters, 0);
    for (const std::int32_t cluster : result_.clusters) ++sizes[cluster];
    bool refilled = false;
    for (std::int32_t cluster = 0; cluster < options_.n_clusters; ++cluster) {
      if (sizes[cluster] > 0) continue;
      std::int64_t farthest = -1;
      for (std::int64_t i = 0; i < points_.n_points; ++i) {
        if (sizes[result_.clusters[i]] < 2 || distances_[i] <= 0) continue;
        if (farthest < 0 || distances_[i] > distances_[farthest]) farthest = i;
      }
      if (farthest < 0) break;  // Every point lies on a centre.
      --sizes[result_.clusters[farthest]];
      ++sizes[cluster];
      result_.clusters[farthest] = cluster;
      distances_[farthest] = 0;
      refilled = true;
    }
    return refilled;
  }

  /// Every centre to the mean of its points; that of an empty cluster stays.
  void move_centres() {
    refill_empty_clusters();
    const std::int64_t n_values = options_.n_clusters * points_.n_dimensions;
    std::vector<double> sums(runs_.count() * n_values, 0);
    std::vector<std::int64_t> sizes(options_.n_clusters, 0);
#pragma omp parallel for num_threads(options_.n_threads) schedule(static)
    for (std::int64_t run = 0; run < runs_.count(); ++run) {
      for (std::int64_t i = runs_.begin(run); i < runs_.end(run); ++i) {
        double* sum = sums.data() + run * n_values + result_.clusters[i] * points_.n_dimensions;
        for (std::int64_t d = 0; d < points_.n_dimensions; ++d) sum[d] += points_.point(i)[d];
      }
    }
    for (std::int64_t run = 1; run < runs_.count(); ++run) {
      for (std::int64_t k = 0; k < n_values; ++k) sums[k] += sums[run * n_values + k];
    }
    for (const std::int32_t cluster : result_.clusters) ++sizes[cluster];
    for (std::int64_t k = 0; k < n_values; ++k) {
      const std::int64_t size = sizes[k / points_.n_dimensions];
      if (size > 0) result_.centres[k] = sums[k] / static_cast<double>(size);
    }
  }

  double inertia() {
    run_sums_.assign(runs_.count(), 0);
    for (std::int64_t run = 0; run < runs_.count(); ++run) {
      for (std::int64_t i = runs_.begin(run); i < runs_.end(run); ++i) {
        run_sums_[run] += distances_[i];
      }
    }
    return total(run_sums_);
  }

  const Points& points_;
  const KMeansOptions& options_;
  std::uint32_t start_;
  Runs runs_;
  std::vector<double> distances_;  ///< [n_points]: squared, to the nearest centre.
  std::vector<double> run_sums_;   ///< [runs]: of distances_.
  KMeans result_;
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
  KMeans best;
  for (int start = 0; start < options.n_starts; ++start) {
    KMeans found = Start(points, options, start).run();
    if (start == 0 || found.inertia < best.inertia) best = std::move(found);
  }
  return best;
}

}  // namespace maskclass
