#include "engine/evaluate/silhouette.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "engine/error.h"
#include "tests/evaluate/random_values.h"

using maskclass::mean_silhouette;
using maskclass::Points;
using Clusters = std::vector<std::int32_t>;

namespace {

/// Rousseeuw's definition, cell by cell.
double direct_silhouette(const Points& points, const Clusters& clusters) {
  double total = 0;
  for (std::int64_t i = 0; i < points.n_points; ++i) {
    std::map<std::int32_t, double> sums, sizes;
    for (std::int64_t j = 0; j < points.n_points; ++j) {
      if (j == i) continue;
      double square = 0;
      for (std::int64_t d = 0; d < points.n_dimensions; ++d) {
        square += std::pow(points.point(i)[d] - points.point(j)[d], 2);
      }
      sums[clusters[j]] += std::sqrt(square);
      ++sizes[clusters[j]];
    }
    if (!sizes.contains(clusters[i]) || sizes.size() < 2) continue;
    const double a = sums[clusters[i]] / sizes[clusters[i]];
    double b = 1e300;
    for (const auto& [cluster, sum] : sums) {
      if (cluster != clusters[i]) b = std::min(b, sum / sizes[cluster]);
    }
    if (std::max(a, b) > 0) total += (b - a) / std::max(a, b);
  }
  return total / static_cast<double>(points.n_points);
}

}  // namespace

TEST_CASE("silhouette of four points worked by hand") {
  // 0, 1 | 10, 12: a = 1, 1, 2, 2; b = 11, 10, 9.5, 11.5.
  const std::vector<double> values{0, 1, 10, 12};
  const double expected = (10.0 / 11 + 9.0 / 10 + 7.5 / 9.5 + 9.5 / 11.5) / 4;
  CHECK(mean_silhouette({values, 4, 1}, Clusters{0, 0, 1, 1}, {}) ==
        doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("silhouette agrees with a double loop") {
  maskclass::test::Random random(4);
  const std::vector<double> values = maskclass::test::clouds(400, 5, 3, 2, 23);
  Clusters clusters(400);
  for (std::int32_t& cluster : clusters) cluster = static_cast<std::int32_t>(random.below(4)) * 3;
  clusters[17] = 99;  // Alone.
  const Points points{values, 400, 5};
  const double expected = direct_silhouette(points, clusters);
  CHECK(std::abs(mean_silhouette(points, clusters, {}) - expected) < 1e-13);
  for (const int n_threads : {2, 4}) {
    CHECK(mean_silhouette(points, clusters, {.n_threads = n_threads}) ==
          mean_silhouette(points, clusters, {.n_threads = 1}));
  }
}

TEST_CASE("silhouettes that are 0 by definition") {
  const std::vector<double> values{0, 1, 2};
  CHECK(mean_silhouette({values, 3, 1}, Clusters{5, 5, 5}, {}) == 0);
  CHECK(mean_silhouette({values, 3, 1}, Clusters{0, 1, 2}, {}) == 0);
  const std::vector<double> same{2, 2, 2, 2};
  CHECK(mean_silhouette({same, 4, 1}, Clusters{0, 0, 1, 1}, {}) == 0);
}

TEST_CASE("a sample estimates the silhouette of all, and depends on the seed") {
  const std::int64_t n = 6000;
  const std::vector<double> values = maskclass::test::clouds(n, 3, 3, 4, 29);
  Clusters clusters(n);
  for (std::int64_t i = 0; i < n; ++i) clusters[i] = static_cast<std::int32_t>(i % 3);
  const Points points{values, n, 3};
  const double all = mean_silhouette(points, clusters, {.n_threads = 2});
  const double one = mean_silhouette(points, clusters, {.max_points = 1500, .seed = 1});
  const double two = mean_silhouette(points, clusters, {.max_points = 1500, .seed = 2});
  // A silhouette lies in [-1, 1], here with a deviation of about 0.2: 0.2 / sqrt(1500) = 0.005;
  // five of them.
  CHECK(std::abs(one - all) < 0.026);
  CHECK(std::abs(two - all) < 0.026);
  CHECK(one != two);
  CHECK(one == mean_silhouette(points, clusters, {.max_points = 1500, .seed = 1, .n_threads = 4}));
  CHECK(all == mean_silhouette(points, clusters, {.max_points = n, .seed = 5}));
}

TEST_CASE("silhouettes without a cluster for each cell are refused") {
  const std::vector<double> values{0, 1, 2};
  CHECK_THROWS_AS(mean_silhouette({values, 3, 1}, Clusters{0, 1}, {}), maskclass::Error);
  CHECK_THROWS_AS(mean_silhouette({{}, 0, 1}, Clusters{}, {}), maskclass::Error);
}
