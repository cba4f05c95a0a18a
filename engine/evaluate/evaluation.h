#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/device/device.h"
#include "engine/evaluate/cell_blocks.h"
#include "engine/evaluate/denoising_scores.h"
#include "engine/evaluate/partition_scores.h"
#include "engine/progress.h"

namespace maskclass {

/// The matrices to compare: the same cells and genes in the same order, log2(1 + normalised count).
struct EvaluationInput {
  CellBlocks denoised;
  std::optional<CellBlocks> observed;  ///< x, not denoised: the baseline, and where the zeros are.
  std::optional<CellBlocks> truth;     ///< x*; needs `observed`.
  std::optional<CellBlocks> biozero;   ///< p_bio; needs `truth`.
  std::vector<std::int32_t> labels;    ///< [n_cells] in [0, n_labels), or empty.
  std::int32_t n_labels = 0;
};

struct EvaluationOptions {
  std::int32_t n_clusters = 0;  ///< k of k-means; 0: the number of labels.
  bool cluster = true;          ///< Compare clusters with the labels, where there are any.
  int n_starts = 20;            ///< Of k-means.
  bool baseline = true;         ///< Cluster the observed values, too.
  std::uint64_t seed = 0;
  int n_threads = 1;  ///< Changes the speed only.
  /// Where principal components are computed; apart by rounding.
  DeviceOptions device{.kind = Device::cpu};
};

/// What k-means finds in the principal components of a matrix (paper, Section 2.8).
struct ClusteringScores {
  PartitionScores agreement;  ///< Of the clusters with the labels.
  double silhouette = 0;      ///< ASW: mean silhouette of the clusters, in the space of components.
  std::int64_t n_components = 0;
  double explained = 0;    ///< Share of the variance that these components carry.
  bool converged = false;  ///< k-means came to rest.
};

struct DenoisingScores {
  DenoisingErrors denoised;
  DenoisingErrors baseline;              ///< Of the observed values: no denoising.
  std::optional<BiozeroScores> biozero;  ///< Where asked.
};

struct EvaluationReport {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::optional<DenoisingScores> denoising;           ///< With a truth.
  std::optional<ClusteringScores> clusters;           ///< With labels: of the denoised values.
  std::optional<ClusteringScores> baseline_clusters;  ///< With labels and observed values.
  std::int32_t n_labels = 0;
  std::int32_t n_clusters = 0;
};

/// Principal components, k-means with `n_clusters` (of the options, which must not be 0), and
/// scores against `labels` ([n_cells]).
ClusteringScores score_clusters(const CellBlocks& values, std::span<const std::int32_t> labels,
                                const EvaluationOptions& options);

/// Everything that the input allows for. Throws Error{usage} where matrices differ in shape or a
/// needed one is missing, and what the parts throw; Error{device} where the GPU that is asked for
/// cannot be used; Error{cancelled} where the caller asks to stop.
EvaluationReport evaluate(const EvaluationInput& input, const EvaluationOptions& options,
                          const Callbacks& callbacks = {});

}  // namespace maskclass
