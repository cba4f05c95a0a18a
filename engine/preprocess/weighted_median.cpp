#include "engine/preprocess/weighted_median.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace maskclass {
namespace {

std::vector<std::size_t> ascending_order(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

}  // namespace

double weighted_median(std::span<const double> values, std::span<const double> weights) {
  const std::vector<std::size_t> order = ascending_order(values);
  const double half = std::accumulate(weights.begin(), weights.end(), 0.0) / 2;
  double cumulative = 0;
  for (std::size_t k = 0; k + 1 < order.size(); ++k) {
    cumulative += weights[order[k]];
    if (cumulative == half) return (values[order[k]] + values[order[k + 1]]) / 2;
    if (cumulative > half) return values[order[k]];
  }
  return values[order.back()];
}

double interpolated_weighted_median(std::span<const double> values,
                                    std::span<const double> weights) {
  const std::vector<std::size_t> order = ascending_order(values);
  const double half = std::accumulate(weights.begin(), weights.end(), 0.0) / 2;
  double cumulative = weights[order[0]];
  double middle = cumulative / 2;
  if (middle >= half) return values[order[0]];
  for (std::size_t k = 1; k < order.size(); ++k) {
    const double next_middle = cumulative + weights[order[k]] / 2;
    if (next_middle >= half) {
      const double fraction = (half - middle) / (next_middle - middle);
      return values[order[k - 1]] + fraction * (values[order[k]] - values[order[k - 1]]);
    }
    cumulative += weights[order[k]];
    middle = next_middle;
  }
  return values[order.back()];
}

}  // namespace maskclass
