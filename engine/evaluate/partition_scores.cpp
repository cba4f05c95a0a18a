#include "engine/evaluate/partition_scores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "engine/error.h"

namespace maskclass {
namespace {

/// The cells that share a label and a cluster, and the margins. Ordered maps: sums run in a fixed
/// order.
struct Contingency {
  std::map<std::int32_t, double> labels;
  std::map<std::int32_t, double> clusters;
  std::map<std::pair<std::int32_t, std::int32_t>, double> both;  ///< (cluster, label)
  double n_cells = 0;
};

Contingency count(std::span<const std::int32_t> labels, std::span<const std::int32_t> clusters) {
  Contingency table;
  table.n_cells = static_cast<double>(labels.size());
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    ++table.labels[labels[cell]];
    ++table.clusters[clusters[cell]];
    ++table.both[{clusters[cell], labels[cell]}];
  }
  return table;
}

double pairs(double n) {
  return n * (n - 1) / 2;
}

template <class Counts>
double pairs_within(const Counts& counts) {
  double sum = 0;
  for (const auto& [group, n] : counts) sum += pairs(n);
  return sum;
}

template <class Counts>
double entropy(const Counts& counts, double n_cells) {
  double sum = 0;
  for (const auto& [group, n] : counts) sum -= n / n_cells * std::log(n / n_cells);
  return sum;
}

double adjusted_rand_index(const Contingency& table) {
  const double together = pairs_within(table.both);
  const double by_label = pairs_within(table.labels);
  const double by_cluster = pairs_within(table.clusters);
  const double all = pairs(table.n_cells);
  // Both one group, or both all singletons: the formula is 0 / 0.
  if (by_label == by_cluster && (by_label == 0 || by_label == all)) return 1;
  const double by_chance = by_label * by_cluster / all;
  return (together - by_chance) / ((by_label + by_cluster) / 2 - by_chance);
}

double normalised_mutual_information(const Contingency& table) {
  const double of_labels = entropy(table.labels, table.n_cells);
  const double of_clusters = entropy(table.clusters, table.n_cells);
  if (table.labels.size() == 1 && table.clusters.size() == 1) return 1;
  const double information = of_labels + of_clusters - entropy(table.both, table.n_cells);
  return std::clamp(2 * information / (of_labels + of_clusters), 0.0, 1.0);
}

double purity(const Contingency& table) {
  std::map<std::int32_t, double> commonest;
  for (const auto& [group, n] : table.both) {
    commonest[group.first] = std::max(commonest[group.first], n);
  }
  double sum = 0;
  for (const auto& [cluster, n] : commonest) sum += n;
  return sum / table.n_cells;
}

}  // namespace

PartitionScores partition_scores(std::span<const std::int32_t> labels,
                                 std::span<const std::int32_t> clusters) {
  if (labels.size() != clusters.size()) {
    throw usage_error("comparing partitions: there are " + std::to_string(labels.size()) +
                      " labels but " + std::to_string(clusters.size()) + " cluster numbers");
  }
  if (labels.empty()) throw usage_error("comparing partitions: there are no cells");
  const Contingency table = count(labels, clusters);
  return {adjusted_rand_index(table), normalised_mutual_information(table), purity(table)};
}

}  // namespace maskclass
