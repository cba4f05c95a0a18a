#pragma once

#include <array>

#include "engine/biozero/calibrated/model.h"
#include "engine/biozero/quadrature.h"

namespace maskclass::calibrated {

/// The parameters that the statistics of one gene in one cluster depend on.
enum class Parameter {
  log_mean,
  log_factor,
  log_common,   ///< of the trend
  log_poisson,  ///< of the trend
  level,        ///< of the dropout curve, at ln lambda = `centre`
  log_slope,
};
inline constexpr int kParameters = 6;

/// What the model expects of GeneStatistics, with derivatives by Parameter.
struct Predicted {
  double nonzero_rate = 0;
  double mean = 0;      ///< of the non-zero c/l
  double variance = 0;  ///< of the same
  using Gradient = std::array<double, kParameters>;
  Gradient d_nonzero_rate{};
  Gradient d_mean{};
  Gradient d_variance{};
};

/// Means over the cells of the cluster by the rule for their ln l.
Predicted predict(const Model& model, std::int64_t cluster, std::int64_t gene,
                  const Quadrature& log_library, double centre);

}  // namespace maskclass::calibrated
