#pragma once

#include "engine/biozero/calibrated/model.h"
#include "engine/biozero/calibrated/statistics.h"

namespace maskclass::calibrated {

struct FitOptions {
  bool dropout = true;          ///< false: the model without zero inflation.
  int n_threads = 1;            ///< Changes the speed only.
  double expression_share = 1;  ///< Of the model.
  const Model* near = nullptr;  ///< A model of the same genes to start from; saves steps.
};

/// Fits the model to each gene's share of non-zeros, their mean and their variance in every
/// cluster: weighted least squares, the weights being the inverse sampling covariance of the three
/// under the model. The trend, the gene factors and (weakly) the dropout curves are shared by the
/// clusters; gene means are drawn to one mean a gene by a heavy-tailed prior, so that small
/// differences between clusters shrink and large ones stay. docs/biozero.md has the equations.
///
/// Levenberg-Marquardt steps in all parameters at once: a gene's own parameters are eliminated from
/// the normal equations gene by gene, so that a step costs genes x clusters. The result does not
/// depend on n_threads.
Model fit_model(const Statistics& statistics, const FitOptions& options);

}  // namespace maskclass::calibrated
