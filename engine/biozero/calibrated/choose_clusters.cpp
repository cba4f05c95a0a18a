#include "engine/biozero/calibrated/choose_clusters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/biozero/calibrated/held_out_likelihood.h"
#include "engine/biozero/calibrated/library.h"
#include "engine/counted.h"

namespace maskclass::calibrated {
namespace {

constexpr std::array<std::int64_t, 12> kCandidates = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32};
constexpr std::int64_t kCellsPerCluster = 15;
constexpr int kStarts = 10;
constexpr int kFailuresInARow = 3;
constexpr double kStandardErrors = 2;

/// The sum of a - b over cells, and its standard error.
struct Difference {
  double sum = 0;
  double standard_error = 0;
};

Difference difference_of(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  double squares = 0;
  for (std::size_t cell = 0; cell < a.size(); ++cell) {
    const double difference = a[cell] - b[cell];
    sum += difference;
    squares += difference * difference;
  }
  const double variance = squares - sum * sum / static_cast<double>(a.size());
  return {sum, std::sqrt(std::max(0.0, variance))};
}

/// Whether a is better than b by more than `least` nats and more than chance explains: sums over
/// the same cells.
bool is_clearly_better(std::span<const double> a, std::span<const double> b, double least = 0) {
  const Difference difference = difference_of(a, b);
  return difference.sum > least && difference.sum > kStandardErrors * difference.standard_error;
}

/// How likely it is that a is better than b, chance being the drawing of cells: so where the data
/// cannot tell, neither is taken alone.
double probability_better(std::span<const double> a, std::span<const double> b) {
  const Difference difference = difference_of(a, b);
  if (!(difference.standard_error > 0)) return 1;
  return 0.5 * std::erfc(-difference.sum / difference.standard_error / std::numbers::sqrt2);
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

namespace {

/// The models with and without dropout, fitted to what was not set aside, and how likely the rest
/// is under each.
class Trial {
 public:
  Trial(const CsrView& counts, std::span<const double> library_size, const Clusters& clusters,
        const HeldOut& held_out, int n_threads, double expression_share = 1,
        const Trial* near = nullptr)
      : counts_(counts),
        clusters_(clusters),
        held_out_(held_out),
        n_threads_(n_threads),
        expression_share_(expression_share) {
    if (near == nullptr) {
      // Libraries as one cluster restores them serve all further trials.
      const Estimate fitted =
          estimate(counts, library_size, clusters,
                   {true, n_threads, held_out, 0, Detail::without_values, expression_share});
      restored_ = fitted.library_factor;
      observed_ = factors_of(library_size);
      model_[0] = fit_of(observed_, false, nullptr);
      model_[1] = fitted.model;
    } else {
      restored_ = near->restored_;
      observed_ = near->observed_;
      model_[0] = fit_of(observed_, false, &near->model_[0]);
      model_[1] = fit_of(restored_, true, &near->model_[1]);
    }
    likelihood_[0] = likelihood_of(observed_, model_[0]);
    likelihood_[1] = likelihood_of(restored_, model_[1]);
    // A nat for each parameter of the curves: a curve so low that it drops nothing must not win by
    // the last digits.
    zero_inflated_ = is_clearly_better(likelihood_[1].of_cell, likelihood_[0].of_cell,
                                       2.0 * static_cast<double>(clusters.n_clusters));
  }

  bool zero_inflated() const { return zero_inflated_; }
  const HeldOutLikelihood& likelihood() const { return likelihood_[zero_inflated_ ? 1 : 0]; }

 private:
  Model fit_of(const std::vector<double>& library_factor, bool dropout, const Model* near) const {
    const Statistics statistics =
        gather_statistics(counts_, library_factor, clusters_, held_out_, n_threads_);
    return fit_model(statistics, {dropout, n_threads_, expression_share_, near});
  }
  HeldOutLikelihood likelihood_of(const std::vector<double>& library_factor,
                                  const Model& model) const {
    const ZeroTable table(model, clusters_, log_of(library_factor),
                          {Detail::without_values, 0, n_threads_});
    return held_out_likelihood(counts_, library_factor, clusters_, held_out_, model, table,
                               n_threads_);
  }

  CsrView counts_;
  Clusters clusters_;
  const HeldOut& held_out_;
  int n_threads_;
  double expression_share_;
  std::vector<double> observed_;
  std::vector<double> restored_;
  std::array<Model, 2> model_;  // without and with dropout
  std::array<HeldOutLikelihood, 2> likelihood_;
  bool zero_inflated_ = false;
};

}  // namespace

ClusterChoice choose_clusters(const CsrView& counts, std::span<const double> library_size,
                              const Points& latent, const HeldOut& held_out,
                              const ChoiceOptions& options, const Callbacks& callbacks) {
  ClusterChoice choice;
  const double n_entries = std::max(1.0, static_cast<double>(held_out.genes.size()));
  Progress progress;
  progress.stage = "cluster";
  progress.unit = "models";
  report_progress(callbacks, progress);
  const Trial first(counts, library_size, one_cluster(counts.n_cells), held_out, options.n_threads);
  HeldOutLikelihood best = first.likelihood();
  choice.zero_inflated = first.zero_inflated();
  choice.candidates.push_back({1, best.sum / n_entries});
  int failures = 0;
  for (const std::int64_t n_clusters : kCandidates) {
    if (n_clusters * kCellsPerCluster > counts.n_cells || failures == kFailuresInARow) break;
    ++progress.done;
    progress.detail = counted(n_clusters, "cluster");
    report_progress(callbacks, progress);
    const Trial trial(counts, library_size, cluster_cells(latent, n_clusters, options), held_out,
                      options.n_threads, 1, &first);
    choice.candidates.push_back({n_clusters, trial.likelihood().sum / n_entries});
    if (is_clearly_better(trial.likelihood().of_cell, best.of_cell)) {
      best = trial.likelihood();
      choice.n_clusters = n_clusters;
      choice.zero_inflated = trial.zero_inflated();
      failures = 0;
    } else {
      ++failures;
    }
  }
  if (choice.zero_inflated) {
    const Trial by_mean(counts, library_size, cluster_cells(latent, choice.n_clusters, options),
                        held_out, options.n_threads, 0);
    choice.expression_share = probability_better(best.of_cell, by_mean.likelihood().of_cell);
  }
  return choice;
}

bool is_zero_inflated(const CsrView& counts, std::span<const double> library_size,
                      const Clusters& clusters, const HeldOut& held_out, int n_threads) {
  return Trial(counts, library_size, clusters, held_out, n_threads).zero_inflated();
}

}  // namespace maskclass::calibrated
