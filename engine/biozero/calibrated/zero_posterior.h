#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/model.h"
#include "engine/biozero/calibrated/statistics.h"

namespace maskclass::calibrated {

/// What a zero count says about what the cell held, t, or would show, lambda. Values x are
/// log2(1 + t / l), l the library factor.
struct ZeroPosterior {
  double zero_probability = 1;   ///< P(t = 0 | c = 0)
  double log_evidence = 0;       ///< ln P(c = 0)
  double dropped_mean = 0;       ///< E[x | t > 0, c = 0]
  double dropped_square = 0;     ///< E[x^2 | t > 0, c = 0]
  double dropped_count = 0;      ///< E[t | t > 0, c = 0]
  double expression = 0;         ///< E[log2(1 + lambda / l) | c = 0]
  double expression_square = 0;  ///< E of its square
  /// E[x' | c = 0] of x' = log2(1 + t' / l), t' a second count of the same lambda, none dropped.
  double replicate = 0;
  double kept_mean = 0;  ///< E[x | c > 0]: for comparison
};

/// x = log2(1 + t / l) of small counts t at one l, so that sums over t need no logarithms.
class LogCounts {
 public:
  explicit LogCounts(double log_library);
  double of_count(int t) const { return table_[t]; }
  /// Any t >= 0.
  double of(double t) const;
  static constexpr int kCounts = 96;

 private:
  double scale_ = 1;  // 1 / l
  std::array<double, kCounts> table_;
};

/// Which parts of a ZeroPosterior are wanted: those with x cost most of the time.
enum class Detail { without_values, with_values };

/// By quadrature over lambda, and sums over t.
ZeroPosterior zero_posterior(const GammaDistribution& gamma, const LogisticDropout& dropout,
                             const LogCounts& log_counts, Detail detail);

/// E[x' | c] at a count c > 0, x' as ZeroPosterior::replicate: lambda given c has a gamma
/// distribution but for the chance that it was kept. By GammaRule.
double replicate_of_count(double count, const GammaDistribution& gamma,
                          const LogisticDropout& dropout, const LogCounts& log_counts);

/// zero_posterior of every cluster and gene as a function of ln l: its values at Chebyshev nodes of
/// the range of ln l in the cluster, between which the polynomial through them is taken (of log
/// odds, for the probability).
class ZeroTable {
 public:
  static constexpr int kNodes = 12;
  using NodeWeights = std::array<double, kNodes>;

  ZeroTable() = default;
  struct Options {
    Detail detail = Detail::with_values;
    double margin = 0;  ///< Widens the range of each cluster on both sides.
    int n_threads = 1;  ///< Changes the speed only.
  };
  /// `log_library` [n_cells]; clusters as in the model.
  ZeroTable(const Model& model, const Clusters& clusters, std::span<const double> log_library,
            const Options& options);

  /// ln l at the nodes of a cluster, descending.
  const NodeWeights& nodes(std::int64_t cluster) const { return nodes_[cluster]; }
  /// The weights of the nodes at a cell's ln l: computed once a cell.
  NodeWeights weights(std::int64_t cluster, double log_library) const;
  ZeroPosterior at(std::int64_t cluster, std::int64_t gene, const NodeWeights& weights) const;
  /// Only zero_probability, log_evidence and dropped_count.
  ZeroPosterior without_values(std::int64_t cluster, std::int64_t gene,
                               const NodeWeights& weights) const;

 private:
  /// Node values of one gene in one cluster.
  struct Entry {
    NodeWeights log_odds{};
    NodeWeights log_evidence{};
    NodeWeights dropped_mean{};
    NodeWeights dropped_square{};
    NodeWeights log_dropped_count{};
    NodeWeights expression{};
    NodeWeights expression_square{};
    NodeWeights replicate{};
    NodeWeights kept_mean{};
  };
  std::int64_t n_genes_ = 0;
  std::vector<NodeWeights> nodes_;  // [n_clusters]: ln l
  std::vector<Entry> entries_;      // [n_clusters][n_genes]
};

}  // namespace maskclass::calibrated
