#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/estimate.h"
#include "engine/evaluate/k_means.h"
#include "engine/progress.h"

namespace maskclass::calibrated {

/// A number of clusters that was tried.
struct Candidate {
  std::int64_t n_clusters = 1;
  double log_likelihood = 0;  ///< Mean over the entries set aside, in nats an entry.
};

struct ClusterChoice {
  std::int64_t n_clusters = 1;
  bool zero_inflated = true;  ///< false: without dropout the entries set aside are as likely.
  /// Of the model: how sure the entries set aside are that dropout depends on expression, and not
  /// on its mean alone.
  double expression_share = 1;
  std::vector<Candidate> candidates;
};

struct ChoiceOptions {
  std::uint64_t seed = 0;  ///< Of k-means.
  int n_threads = 1;       ///< Changes the speed only.
};

/// k-means of the latent, every cell in its cluster.
Clusters cluster_cells(const Points& latent, std::int64_t n_clusters, const ChoiceOptions& options);

/// Whether the entries set aside are clearly more likely with dropout than without.
bool is_zero_inflated(const CsrView& counts, std::span<const double> library_size,
                      const Clusters& clusters, const HeldOut& held_out, int n_threads);

/// How many clusters, and whether zeros are inflated: a larger model is taken where the likelihood
/// of the entries set aside rises by more than twice the standard error of the rise (over cells).
/// 1, 2, 3, ... clusters are tried until three in a row are no better, at most one for every 15
/// cells. Then dropout by expression is compared with dropout by its mean. `latent` must not have
/// seen the entries set aside.
ClusterChoice choose_clusters(const CsrView& counts, std::span<const double> library_size,
                              const Points& latent, const HeldOut& held_out,
                              const ChoiceOptions& options, const Callbacks& callbacks = {});

}  // namespace maskclass::calibrated
