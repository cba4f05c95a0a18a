#include "engine/preprocess/weighted_median.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace maskclass {
double weighted_median(std::span<const double> values, std::span<const double> weights) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  const double half = std::accumulate(weights.begin(), weights.end(), 0.0) / 2;
  double cumulative = 0;
  for (std::size_t k = 0; k + 1 < order.size(); ++k) {
    cumulative += weights[order[k]];
    if (cumulative == half) return (values[order[k]] + values[order[k + 1]]) / 2;
    if (cumulative > half) return values[order[k]];
  }
  return values[order.back()];
}

}  // namespace maskclass
