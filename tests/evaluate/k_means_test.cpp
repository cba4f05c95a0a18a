#include "engine/evaluate/k_means.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "engine/error.h"
#include "engine/evaluate/partition_scores.h"
#include "tests/evaluate/random_values.h"

using maskclass::k_means;
using maskclass::KMeans;
using maskclass::Points;

namespace {

/// The inertia of one assignment, from its definition.
double inertia_of(const Points& points, const std::vector<std::int32_t>& clusters, int n_clusters) {
  double inertia = 0;
  for (int k = 0; k < n_clusters; ++k) {
    for (std::int64_t d = 0; d < points.n_dimensions; ++d) {
      double sum = 0, n = 0;
      for (std::int64_t i = 0; i < points.n_points; ++i) {
        if (clusters[i] == k) sum += points.point(i)[d], ++n;
      }
      for (std::int64_t i = 0; i < points.n_points; ++i) {
        if (clusters[i] == k) inertia += std::pow(points.point(i)[d] - sum / n, 2);
      }
    }
  }
  return inertia;
}

/// The smallest inertia of all n_clusters^n_points assignments.
double best_inertia(const Points& points, int n_clusters) {
  std::vector<std::int32_t> clusters(points.n_points, 0);
  double best = std::numeric_limits<double>::infinity();
  while (true) {
    best = std::min(best, inertia_of(points, clusters, n_clusters));
    std::size_t at = 0;
    while (at < clusters.size() && ++clusters[at] == n_clusters) clusters[at++] = 0;
    if (at == clusters.size()) return best;
  }
}

}  // namespace

TEST_CASE("k-means finds well separated clouds") {
  const std::vector<double> values = maskclass::test::clouds(600, 10, 6, 12, 3);
  const KMeans found = k_means({values, 600, 10}, {.n_clusters = 6});
  std::vector<std::int32_t> groups(600);
  for (int i = 0; i < 600; ++i) groups[i] = i % 6;
  CHECK(maskclass::partition_scores(groups, found.clusters).ari == 1);
  CHECK(found.converged);
  CHECK(found.inertia == doctest::Approx(inertia_of({values, 600, 10}, found.clusters, 6)));
}

TEST_CASE("k-means is as good as trying every assignment") {
  maskclass::test::Random random(11);
  for (int round = 0; round < 30; ++round) {
    const int n_clusters = 2 + round % 2;
    std::vector<double> values(18);
    for (double& value : values) value = random.uniform();
    const Points points{values, 9, 2};
    const double found =
        k_means(points, {.n_clusters = n_clusters, .n_starts = 20, .seed = std::uint64_t(round)})
            .inertia;
    CHECK(found <= best_inertia(points, n_clusters) * (1 + 1e-12));
  }
}

TEST_CASE("clusters are numbered for the nearest centre, and centres are means") {
  const std::vector<double> values = maskclass::test::clouds(500, 4, 3, 2, 5);
  const Points points{values, 500, 4};
  const KMeans found = k_means(points, {.n_clusters = 5, .seed = 9});
  REQUIRE(found.converged);
  for (std::int64_t i = 0; i < 500; ++i) {
    std::vector<double> distances(5, 0);
    for (int k = 0; k < 5; ++k) {
      for (int d = 0; d < 4; ++d) {
        distances[k] += std::pow(values[i * 4 + d] - found.centres[k * 4 + d], 2);
      }
    }
    CHECK(std::min_element(distances.begin(), distances.end()) - distances.begin() ==
          found.clusters[i]);
  }
  // The inertia of the centres is that of the clusters' means only if the centres are those means.
  CHECK(found.inertia == doctest::Approx(inertia_of(points, found.clusters, 5)).epsilon(1e-12));
}

TEST_CASE("fewer distinct points than clusters, and one cluster a point") {
  const std::vector<double> same(8, 1.5);
  const KMeans of_same = k_means({same, 4, 2}, {.n_clusters = 3});
  CHECK(of_same.inertia == 0);
  CHECK(of_same.converged);

  const std::vector<double> line{0, 1, 2, 3, 4};
  const KMeans of_line = k_means({line, 5, 1}, {.n_clusters = 5});
  CHECK(of_line.inertia == 0);
  CHECK(std::set<std::int32_t>(of_line.clusters.begin(), of_line.clusters.end()).size() == 5);

  // Two distinct points: the third cluster has nothing to hold.
  const std::vector<double> two{0, 0, 0, 5, 5};
  const KMeans of_two = k_means({two, 5, 1}, {.n_clusters = 3});
  CHECK(of_two.inertia == 0);
  CHECK(of_two.clusters[0] == of_two.clusters[2]);
  CHECK(of_two.clusters[0] != of_two.clusters[3]);
}

TEST_CASE("k-means is the same for any number of threads, and depends on its seed") {
  const std::vector<double> values = maskclass::test::clouds(3000, 7, 4, 1.5, 17);
  const Points points{values, 3000, 7};
  const KMeans one = k_means(points, {.n_clusters = 6, .n_starts = 4, .seed = 1, .n_threads = 1});
  for (const int n_threads : {2, 4}) {
    const KMeans more =
        k_means(points, {.n_clusters = 6, .n_starts = 4, .seed = 1, .n_threads = n_threads});
    CHECK(one.clusters == more.clusters);
    CHECK(one.centres == more.centres);
    CHECK(one.inertia == more.inertia);
  }
  const KMeans other = k_means(points, {.n_clusters = 6, .n_starts = 1, .seed = 2});
  CHECK(one.centres != other.centres);
}

TEST_CASE("impossible numbers of clusters are refused") {
  const std::vector<double> values{0, 1, 2};
  CHECK_THROWS_AS(k_means({values, 3, 1}, {.n_clusters = 4}), maskclass::Error);
  CHECK_THROWS_AS(k_means({values, 3, 1}, {.n_clusters = 0}), maskclass::Error);
  CHECK_THROWS_AS(k_means({values, 3, 1}, {.n_clusters = 2, .n_starts = 0}), maskclass::Error);
}
