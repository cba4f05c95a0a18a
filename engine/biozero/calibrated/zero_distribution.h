#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/biozero/calibrated/zero_posterior.h"

namespace maskclass::calibrated {

/// Quantiles of a count are kept at these levels: 0, 1, and logistic(-6 ... 6) between.
inline constexpr int kQuantileLevels = 48;
using CountQuantiles = std::array<float, kQuantileLevels>;

/// How x = log2(1 + t / l) is distributed at a zero count: an atom at 0, and above it a count t > 0
/// that is spread evenly over t - 1/2 to t + 1/2, so that quantiles are continuous.
struct ZeroDistribution {
  double atom = 1;  ///< P(x = 0 | c = 0)
  double mean = 0;  ///< E[x | c = 0], exact: not of the spread counts.
  double variance = 0;
  double log_library = 0;      ///< ln l
  CountQuantiles log_count{};  ///< Of ln t given t > 0.

  /// P(x <= value).
  double cdf(double value) const;
  /// The smallest value with cdf(value) >= level.
  double quantile(double level) const;
};

/// The smallest value that the mean of the distributions' cdf reaches the level at, to 1e-4.
double mixture_quantile(const std::vector<const ZeroDistribution*>& members, double level);

/// ln t of a dropped count: t > 0 molecules were there, and c = 0. Its weight is that of t in the
/// negative binomial, times E[delta(lambda) | t]; in steps of one where counts are few, else of a
/// few per cent.
CountQuantiles dropped_count_quantiles(const GammaDistribution& gamma,
                                       const LogisticDropout& dropout);

/// ln lambda where nothing is dropped: lambda given c = 0 has a gamma distribution, too.
CountQuantiles expression_quantiles(const GammaDistribution& gamma);

/// Quantiles of every cluster and gene as a function of ln l: at the nodes of a ZeroTable, linear
/// between them.
class QuantileTable {
 public:
  /// `table`: of the same model. `zero_inflated` false: of ln lambda.
  QuantileTable(const Model& model, const ZeroTable& table, bool zero_inflated, int n_threads);

  CountQuantiles at(std::int64_t cluster, std::int64_t gene, double log_library) const;

 private:
  std::int64_t n_genes_ = 0;
  std::vector<ZeroTable::NodeWeights> nodes_;  // [n_clusters]: ln l, descending
  std::vector<std::array<CountQuantiles, ZeroTable::kNodes>> entries_;  // [n_clusters][n_genes]
};

}  // namespace maskclass::calibrated
