#pragma once

#include <optional>
#include <span>

#include "engine/preprocess/variance_curve.h"
#include "engine/preprocess/weighted_lowess.h"

namespace maskclass {

/// What a gene's variance of log counts is expected to be from technical noise alone, by its mean.
struct VarianceTrend {
  VarianceCurve curve;          ///< f
  PiecewiseLinear log_residue;  ///< L, what ln v keeps above ln f.
  double scale = 1;             ///< Weighted median of v / (e^L f): most genes lie on the trend.

  double operator()(double mean) const;
};

/// Fits the trend to the genes with mean >= 0.1 and variance > 1e-8; none where there are no such
/// genes. `means`, `variances`: [n_genes].
std::optional<VarianceTrend> fit_variance_trend(std::span<const double> means,
                                                std::span<const double> variances);

}  // namespace maskclass
