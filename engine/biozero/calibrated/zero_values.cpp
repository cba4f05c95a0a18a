#include "engine/biozero/calibrated/zero_values.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/biozero/calibrated/network_weight.h"

namespace maskclass::calibrated {

ZeroValues::ZeroValues(Estimate estimate, std::span<const double> observed_factor,
                       bool zero_inflated, double network_weight)
    : estimate_(std::move(estimate)),
      observed_factor_(observed_factor.begin(), observed_factor.end()),
      zero_inflated_(zero_inflated),
      network_weight_(network_weight) {}

namespace {

/// Mean and mean square of x for another library; the variance to first order.
void renormalise(double& mean, double& square, double ratio) {
  const double deviation = std::sqrt(std::max(0.0, square - mean * mean));
  const double spread =
      (renormalised(mean + deviation, ratio) - renormalised(mean - deviation, ratio)) / 2;
  mean = renormalised(mean, ratio);
  square = mean * mean + spread * spread;
}

}  // namespace

double ZeroValues::shift_of(std::int64_t cell, float network, double kept_mean) const {
  const double to_restored = observed_factor_[cell] / estimate_.library_factor[cell];
  const double predicted = renormalised(network, to_restored);
  return std::clamp(network_weight_ * (predicted - kept_mean) * std::numbers::ln2, -kLargestShift,
                    kLargestShift);
}

template <typename Visit>
void ZeroValues::for_each_zero(std::int64_t cell, std::span<const std::int32_t> observed,
                               const float* network, const Visit& visit) const {
  const std::int64_t n_genes = estimate_.model.n_genes;
  const std::int32_t cluster = estimate_.clusters.of_cell[cell];
  const double factor = estimate_.library_factor[cell];
  const double log_library = std::log(factor);
  const ZeroTable& table = estimate_.table;
  const ZeroTable::NodeWeights unmoved = table.weights(cluster, log_library);
  std::size_t next = 0;
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    if (next < observed.size() && observed[next] == gene) {
      ++next;
      continue;
    }
    ZeroPosterior zero = table.at(cluster, gene, unmoved);
    double log_taken = log_library;
    if (network_weight_ > 0) {
      // A mean that is e^shift times the cluster's is that of a cell whose library is: values are
      // then on the scale of that library, and are brought back.
      const double shift = shift_of(cell, network[gene], zero.kept_mean);
      log_taken = log_library + shift;
      zero = table.at(cluster, gene, table.weights(cluster, log_taken));
      const double ratio = std::exp(shift);
      renormalise(zero.dropped_mean, zero.dropped_square, ratio);
      renormalise(zero.expression, zero.expression_square, ratio);
      zero.replicate = renormalised(zero.replicate, ratio);
    }
    if (!zero_inflated_) zero.zero_probability = 1;
    visit(gene, zero, log_taken);
  }
}

void ZeroValues::fill(std::int64_t cell, std::span<const std::int32_t> observed,
                      float* values) const {
  for_each_zero(cell, observed, values,
                [&](std::int64_t gene, const ZeroPosterior& zero, double /*log_taken*/) {
                  values[gene] = static_cast<float>(zero_inflated_ ? (1 - zero.zero_probability) *
                                                                         zero.dropped_mean
                                                                   : zero.expression);
                });
}

void ZeroValues::fill_replicate(std::int64_t cell, std::span<const std::int32_t> observed,
                                std::span<const float> counts, float* values) const {
  for_each_zero(cell, observed, values,
                [&](std::int64_t gene, const ZeroPosterior& zero, double /*log_taken*/) {
                  values[gene] = static_cast<float>(zero.replicate);
                });
  const std::int32_t cluster = estimate_.clusters.of_cell[cell];
  const double log_library = std::log(estimate_.library_factor[cell]);
  const LogCounts log_counts(log_library);
  const ZeroTable::NodeWeights nodes = estimate_.table.weights(cluster, log_library);
  for (std::size_t k = 0; k < observed.size(); ++k) {
    float& value = values[observed[k]];
    double shift = 0;
    if (network_weight_ > 0) {
      shift = shift_of(cell, value, estimate_.table.at(cluster, observed[k], nodes).kept_mean);
    }
    const GammaDistribution gamma =
        estimate_.model.distribution(cluster, observed[k], log_library + shift);
    value = static_cast<float>(replicate_of_count(
        counts[k], gamma, estimate_.model.dropout_at(cluster, gamma), log_counts));
  }
}

void ZeroValues::probabilities(std::int64_t cell, std::span<const std::int32_t> observed,
                               const float* network, float* out) const {
  for (const std::int32_t gene : observed) out[gene] = 0;
  for_each_zero(cell, observed, network,
                [&](std::int64_t gene, const ZeroPosterior& zero, double /*log_taken*/) {
                  out[gene] = static_cast<float>(zero.zero_probability);
                });
}

void ZeroValues::distributions(std::int64_t cell, std::span<const std::int32_t> observed,
                               const float* network, const QuantileTable& quantiles,
                               std::span<ZeroDistribution> out) const {
  const std::int32_t cluster = estimate_.clusters.of_cell[cell];
  const double log_library = std::log(estimate_.library_factor[cell]);
  for_each_zero(
      cell, observed, network, [&](std::int64_t gene, const ZeroPosterior& zero, double log_taken) {
        ZeroDistribution& one = out[gene];
        one.atom = zero_inflated_ ? zero.zero_probability : 0;
        one.mean = zero_inflated_ ? (1 - one.atom) * zero.dropped_mean : zero.expression;
        const double square =
            zero_inflated_ ? (1 - one.atom) * zero.dropped_square : zero.expression_square;
        one.variance = std::max(0.0, square - one.mean * one.mean);
        one.log_library = log_library;
        one.log_count = quantiles.at(cluster, gene, log_taken);
      });
}

QuantileTable ZeroValues::quantile_table(int n_threads) const {
  return {estimate_.model, estimate_.table, zero_inflated_, n_threads};
}

}  // namespace maskclass::calibrated
