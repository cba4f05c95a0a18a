#include "engine/evaluate/partition_scores.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"
#include "tests/evaluate/random_values.h"

using maskclass::partition_scores;
using maskclass::PartitionScores;
using Labels = std::vector<std::int32_t>;

namespace {

/// The adjusted Rand index from its definition over pairs of cells (Hubert and Arabie 1985, in the
/// form of Warrens 2008): no contingency table.
double ari_over_pairs(const Labels& a, const Labels& b) {
  double both = 0, only_a = 0, only_b = 0, neither = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = i + 1; j < a.size(); ++j) {
      const bool in_a = a[i] == a[j];
      const bool in_b = b[i] == b[j];
      ++(in_a ? (in_b ? both : only_a) : (in_b ? only_b : neither));
    }
  }
  return 2 * (both * neither - only_a * only_b) /
         ((both + only_a) * (only_a + neither) + (both + only_b) * (only_b + neither));
}

/// Mutual information as the mean over cells of ln p(a, b) / (p(a) p(b)), entropies likewise.
double nmi_over_cells(const Labels& a, const Labels& b) {
  const double n = static_cast<double>(a.size());
  double information = 0, entropies = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double with_a = 0, with_b = 0, with_both = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
      with_a += a[i] == a[j];
      with_b += b[i] == b[j];
      with_both += a[i] == a[j] && b[i] == b[j];
    }
    information += std::log(with_both * n / (with_a * with_b));
    entropies -= std::log(with_a / n) + std::log(with_b / n);
  }
  return 2 * information / entropies;
}

}  // namespace

TEST_CASE("partition scores of a table worked by hand") {
  // Clusters x labels: (2, 0), (1, 1), (0, 2): pairs together 1 + 0 + 1 = 2; by label 3 + 3 = 6; by
  // cluster 1 + 1 + 1 = 3; of 15. ARI = (2 - 18/15) / (4.5 - 18/15) = 0.8 / 3.3.
  const Labels labels{0, 0, 0, 1, 1, 1};
  const Labels clusters{7, 7, 3, 3, 5, 5};
  const PartitionScores scores = partition_scores(labels, clusters);
  CHECK(scores.ari == doctest::Approx(0.8 / 3.3).epsilon(1e-14));
  CHECK(scores.purity == doctest::Approx(5.0 / 6).epsilon(1e-14));
  // H(label) = ln 2, H(cluster) = ln 3, H(both) = 2/3 ln 3 + 1/3 ln 6 = ln 3 + 1/3 ln 2.
  const double information = std::log(2.0) * 2 / 3;
  CHECK(scores.nmi ==
        doctest::Approx(2 * information / (std::log(2.0) + std::log(3.0))).epsilon(1e-14));
}

TEST_CASE("values that scikit-learn documents") {
  // The examples of adjusted_rand_score in its manual.
  CHECK(partition_scores(Labels{0, 0, 1, 1}, Labels{0, 0, 1, 2}).ari ==
        doctest::Approx(0.571428571428571).epsilon(1e-14));
  CHECK(partition_scores(Labels{0, 0, 1, 2}, Labels{0, 0, 1, 1}).ari ==
        doctest::Approx(0.571428571428571).epsilon(1e-14));
  CHECK(partition_scores(Labels{0, 0, 0, 0}, Labels{0, 1, 2, 3}).ari == 0);
  CHECK(partition_scores(Labels{0, 0, 1, 1}, Labels{0, 1, 0, 1}).ari ==
        doctest::Approx(-0.5).epsilon(1e-14));
  CHECK(partition_scores(Labels{0, 0, 0, 0}, Labels{0, 1, 2, 3}).nmi == 0);
}

TEST_CASE("the same partition under other numbers scores 1") {
  const PartitionScores scores =
      partition_scores(Labels{4, 4, -1, 2, 2, 2}, Labels{0, 0, 9, 5, 5, 5});
  CHECK(scores.ari == 1);
  CHECK(scores.nmi == doctest::Approx(1).epsilon(1e-14));
  CHECK(scores.purity == 1);
}

TEST_CASE("trivial partitions") {
  const Labels one{3, 3, 3};
  const Labels singles{0, 1, 2};
  CHECK(partition_scores(one, one).ari == 1);
  CHECK(partition_scores(one, one).nmi == 1);
  CHECK(partition_scores(singles, singles).ari == 1);
  CHECK(partition_scores(singles, singles).nmi == doctest::Approx(1).epsilon(1e-14));
  CHECK(partition_scores(one, singles).ari == 0);
  CHECK(partition_scores(one, singles).nmi == 0);
  CHECK(partition_scores(one, singles).purity == 1);
  CHECK(partition_scores(singles, one).purity == doctest::Approx(1.0 / 3));
  CHECK(partition_scores(Labels{5}, Labels{1}).ari == 1);
  CHECK(partition_scores(Labels{5}, Labels{1}).nmi == 1);
}

TEST_CASE("partition scores agree with their definitions over pairs and cells") {
  maskclass::test::Random random(1);
  for (int round = 0; round < 20; ++round) {
    const std::int64_t n = 10 + random.below(50);  // More cells than groups ...
    Labels labels(n), clusters(n);
    for (std::int64_t i = 0; i < n; ++i) {
      labels[i] = static_cast<std::int32_t>(random.below(5));
      clusters[i] = random.uniform() < 0.6 ? labels[i] : static_cast<std::int32_t>(random.below(4));
    }
    labels[0] = 0;
    labels[1] = 1;  // ... and two groups: not trivial.
    const PartitionScores scores = partition_scores(labels, clusters);
    CHECK(std::abs(scores.ari - ari_over_pairs(labels, clusters)) < 1e-12);
    CHECK(std::abs(scores.nmi - nmi_over_cells(labels, clusters)) < 1e-12);
  }
}

TEST_CASE("partitions of different lengths are refused") {
  CHECK_THROWS_AS(partition_scores(Labels{0, 1}, Labels{0}), maskclass::Error);
  CHECK_THROWS_AS(partition_scores(Labels{}, Labels{}), maskclass::Error);
}
