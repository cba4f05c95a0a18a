#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/estimate.h"
#include "engine/biozero/calibrated/zero_distribution.h"

namespace maskclass::calibrated {

/// What the `calibrated` variant puts at zeros, and at non-zeros that are brought to the restored
/// libraries. Values are x = log2(1 + count / library factor).
class ZeroValues {
 public:
  /// Half the range of ln l that the table of the estimate must exceed the data by, where the
  /// network's prediction counts.
  static constexpr double kLargestShift = 1.5;

  /// `observed_factor` [n_cells]: the library factors that the network knows. `zero_inflated`
  /// false: the model has no dropout, every zero is a true one, and what is put there is what the
  /// gene would show on average, E[log2(1 + lambda / l) | c = 0].
  ZeroValues(Estimate estimate, std::span<const double> observed_factor, bool zero_inflated,
             double network_weight);

  const Estimate& estimate() const { return estimate_; }
  bool zero_inflated() const { return zero_inflated_; }
  double network_weight() const { return network_weight_; }

  /// Puts E[x | c = 0] into values[gene] wherever the cell has no count; `values` [n_genes] holds
  /// the network's output before, `observed` the genes with a count, ascending.
  void fill(std::int64_t cell, std::span<const std::int32_t> observed, float* values) const;
  /// Puts what a second measurement of the cell would show on average into every value, E[log2(1 +
  /// t' / l) | c], t' a count of the same expression of which nothing is dropped: `counts` are
  /// those of the genes observed.
  void fill_replicate(std::int64_t cell, std::span<const std::int32_t> observed,
                      std::span<const float> counts, float* values) const;
  /// P(no molecule | c = 0) at zeros, 0 at counts; `network` is the network's output, or null where
  /// its weight is 0.
  void probabilities(std::int64_t cell, std::span<const std::int32_t> observed,
                     const float* network, float* out) const;
  /// How the value at each zero is distributed (of the expression, without zero inflation):
  /// out [n_genes], of which entries with a count are left as they are; `quantiles` is of this
  /// model.
  void distributions(std::int64_t cell, std::span<const std::int32_t> observed,
                     const float* network, const QuantileTable& quantiles,
                     std::span<ZeroDistribution> out) const;
  /// For distributions().
  QuantileTable quantile_table(int n_threads) const;

 private:
  /// Calls visit(gene, posterior, ln l at which it was taken).
  template <typename Visit>
  void for_each_zero(std::int64_t cell, std::span<const std::int32_t> observed,
                     const float* network, const Visit& visit) const;

  /// ln of the factor by which the network's prediction moves the mean of a gene in a cell.
  double shift_of(std::int64_t cell, float network, double kept_mean) const;

  Estimate estimate_;
  std::vector<double> observed_factor_;
  bool zero_inflated_;
  double network_weight_;
};

}  // namespace maskclass::calibrated
