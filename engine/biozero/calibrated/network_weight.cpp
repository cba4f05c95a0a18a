#include "engine/biozero/calibrated/network_weight.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace maskclass::calibrated {

double renormalised(double log2_value, double ratio) {
  return std::log1p(std::max(0.0, std::exp2(log2_value) - 1) * ratio) * std::numbers::log2e;
}

double network_weight(const Thinned& held_out, std::span<const float> predicted,
                      const Estimate& model, std::span<const double> observed_factor) {
  double product = 0;
  double square = 0;
  for (std::size_t k = 0; k < held_out.cell.size(); ++k) {
    const std::int64_t cell = held_out.cell[k];
    const std::int32_t cluster = model.clusters.of_cell[cell];
    const double factor = model.library_factor[cell];
    const ZeroTable::NodeWeights nodes = model.table.weights(cluster, std::log(factor));
    const double expected = model.table.at(cluster, held_out.gene[k], nodes).kept_mean;
    const double observed = std::log2(1 + held_out.count[k] / factor);
    const double network = renormalised(predicted[k], observed_factor[cell] / factor);
    product += (observed - expected) * (network - expected);
    square += (network - expected) * (network - expected);
  }
  return square > 0 ? std::clamp(product / square, 0.0, 1.0) : 0.0;
}

}  // namespace maskclass::calibrated
