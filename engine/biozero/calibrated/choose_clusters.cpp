#include "engine/biozero/calibrated/choose_clusters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/biozero/calibrated/held_out_likelihood.h"
#include "engine/counted.h"

namespace maskclass::calibrated {
namespace {

constexpr std::array<std::int64_t, 13> kCandidates = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32};
constexpr std::int64_t kCellsPerCluster = 15;
constexpr int kStarts = 10;
constexpr int kFailuresInARow = 3;
constexpr double kStandardErrors = 2;

/// Whether a is better than b by more than chance explains: sums over the same cells.
bool is_clearly_better(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<double>(a.size());
  double sum = 0;
  double squares = 0;
  for (std::size_t cell = 0; cell < a.size(); ++cell) {
    const double difference = a[cell] - b[cell];
    sum += difference;
    squares += difference * difference;
  }
  const double variance = std::max(0.0, squares - sum * sum / n);
  return sum > kStandardErrors * std::sqrt(variance);
}

}  // namespace

Clusters cluster_cells(const Points& latent, std::int64_t n_clusters,
                       const ChoiceOptions& options) {
  if (n_clusters == 1) return one_cluster(latent.n_points);
  KMeansOptions k_means_options;
  k_means_options.n_clusters = static_cast<std::int32_t>(n_clusters);
  k_means_options.n_starts = kStarts;
  k_means_options.seed = options.seed;
  k_means_options.n_threads = options.n_threads;
  return {n_clusters, k_means(latent, k_means_options).clusters};
}

ClusterChoice choose_clusters(const CsrView& counts, std::span<const double> library_size,
                              const Points& latent, const HeldOut& held_out,
                              const ChoiceOptions& options, const Callbacks& callbacks) {
  ClusterChoice choice;
  const int n_threads = options.n_threads;
  const double n_entries = std::max(1.0, static_cast<double>(held_out.genes.size()));
  // Libraries as one cluster restores them serve all candidates.
  const Estimate first = estimate(counts, library_size, one_cluster(counts.n_cells),
                                  {true, n_threads, held_out, 0, Detail::without_values});
  const auto likelihood_of = [&](const Clusters& clusters, const Model& model) {
    const ZeroTable table(model, clusters, log_of(first.library_factor),
                          {Detail::without_values, 0, n_threads});
    return held_out_likelihood(counts, first.library_factor, clusters, held_out, model, table,
                               n_threads);
  };
  HeldOutLikelihood best;
  Clusters best_clusters;
  int failures = 0;
  Progress progress;
  progress.stage = "cluster";
  progress.unit = "models";
  for (const std::int64_t n_clusters : kCandidates) {
    if (n_clusters > 1 && n_clusters * kCellsPerCluster > counts.n_cells) break;
    progress.detail = counted(n_clusters, "cluster");
    report_progress(callbacks, progress);
    Clusters clusters = cluster_cells(latent, n_clusters, options);
    const Statistics statistics =
        gather_statistics(counts, first.library_factor, clusters, held_out, n_threads);
    const Model model = fit_model(statistics, {true, n_threads, &first.model});
    HeldOutLikelihood likelihood = likelihood_of(clusters, model);
    choice.candidates.push_back({n_clusters, likelihood.sum / n_entries});
    ++progress.done;
    if (n_clusters == 1 || is_clearly_better(likelihood.of_cell, best.of_cell)) {
      best = std::move(likelihood);
      best_clusters = std::move(clusters);
      choice.n_clusters = n_clusters;
      failures = 0;
    } else if (++failures == kFailuresInARow) {
      break;
    }
  }
  choice.zero_inflated = is_zero_inflated(counts, library_size, best_clusters, held_out, n_threads);
  return choice;
}

bool is_zero_inflated(const CsrView& counts, std::span<const double> library_size,
                      const Clusters& clusters, const HeldOut& held_out, int n_threads) {
  const auto likelihood = [&](bool dropout) {
    const Estimate fitted = estimate(counts, library_size, clusters,
                                     {dropout, n_threads, held_out, 0, Detail::without_values});
    return held_out_likelihood(counts, fitted.library_factor, clusters, held_out, fitted.model,
                               fitted.table, n_threads);
  };
  return is_clearly_better(likelihood(true).of_cell, likelihood(false).of_cell);
}

}  // namespace maskclass::calibrated
