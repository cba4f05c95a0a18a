#include "engine/evaluate/evaluation.h"

#include <numeric>
#include <string>

#include "engine/error.h"
#include "engine/evaluate/k_means.h"
#include "engine/evaluate/pca.h"
#include "engine/evaluate/silhouette.h"

namespace maskclass {
namespace {

void check_shape(const CellBlocks& denoised, const std::optional<CellBlocks>& other,
                 const std::string& what) {
  if (!other || (other->n_cells == denoised.n_cells && other->n_genes == denoised.n_genes)) return;
  throw usage_error("evaluation: the " + what + " values are " + std::to_string(other->n_cells) +
                    " cells x " + std::to_string(other->n_genes) + " genes, the denoised ones " +
                    std::to_string(denoised.n_cells) + " x " + std::to_string(denoised.n_genes));
}

void check(const EvaluationInput& input) {
  check_shape(input.denoised, input.observed, "observed");
  check_shape(input.denoised, input.truth, "true");
  check_shape(input.denoised, input.biozero, "biozero");
  if (input.truth && !input.observed) {
    throw usage_error("evaluation: a truth is of use only with the observed counts");
  }
  if (input.biozero && !input.truth) {
    throw usage_error("evaluation: biozero probabilities can only be scored against a truth");
  }
  if (!input.labels.empty() &&
      static_cast<std::int64_t>(input.labels.size()) != input.denoised.n_cells) {
    throw usage_error("evaluation: " + std::to_string(input.labels.size()) + " labels for " +
                      std::to_string(input.denoised.n_cells) + " cells");
  }
}

DenoisingScores score_denoising(const EvaluationInput& input, int n_threads,
                                const Callbacks& callbacks) {
  const std::int64_t n_genes = input.denoised.n_genes;
  const std::int64_t n_values = std::min(cells_a_block(n_genes), input.denoised.n_cells) * n_genes;
  std::vector<float> observed(n_values);
  std::vector<float> truth(n_values);
  std::vector<float> probability(input.biozero ? n_values : 0);
  DenoisingScores scores;
  BiozeroScorer biozero;
  for_each_block(input.denoised, [&](std::int64_t first, std::int64_t n, const float* denoised) {
    input.observed->read(first, n, observed.data());
    input.truth->read(first, n, truth.data());
    const TruthBlock block{n, n_genes, observed.data(), truth.data()};
    scores.denoised.add(denoised, block, n_threads);
    scores.baseline.add(observed.data(), block, n_threads);
    if (input.biozero) {
      input.biozero->read(first, n, probability.data());
      biozero.add(probability.data(), block);
    }
    report_progress(callbacks,
                    {"compare with the truth", first + n, input.denoised.n_cells, "cells"});
  });
  if (input.biozero) scores.biozero = biozero.scores();
  return scores;
}

ClusteringScores score_clusters(const CellBlocks& values, std::span<const std::int32_t> labels,
                                const EvaluationOptions& options, const GeneProducts& elsewhere) {
  const PrincipalComponents components = principal_components(values, options.n_threads, elsewhere);
  const Points points{components.scores, components.n_cells, components.n_components};
  const KMeans found = k_means(points, {.n_clusters = options.n_clusters,
                                        .n_starts = options.n_starts,
                                        .seed = options.seed,
                                        .n_threads = options.n_threads});
  ClusteringScores scores;
  scores.agreement = partition_scores(labels, found.clusters);
  scores.silhouette = mean_silhouette(points, found.clusters,
                                      {.seed = options.seed, .n_threads = options.n_threads});
  scores.n_components = components.n_components;
  const double explained = std::accumulate(components.explained_variance.begin(),
                                           components.explained_variance.end(), 0.0);
  scores.explained = components.total_variance > 0 ? explained / components.total_variance : 0;
  scores.converged = found.converged;
  return scores;
}

}  // namespace

ClusteringScores score_clusters(const CellBlocks& values, std::span<const std::int32_t> labels,
                                const EvaluationOptions& options) {
  return score_clusters(values, labels, options, gene_products_on(options.device));
}

EvaluationReport evaluate(const EvaluationInput& input, const EvaluationOptions& options,
                          const Callbacks& callbacks) {
  check(input);
  check_device(options.device);
  EvaluationReport report;
  report.n_cells = input.denoised.n_cells;
  report.n_genes = input.denoised.n_genes;
  if (input.truth) report.denoising = score_denoising(input, options.n_threads, callbacks);
  if (input.labels.empty() || !options.cluster) return report;

  report.n_labels = input.n_labels;
  EvaluationOptions clustering = options;
  if (clustering.n_clusters == 0) clustering.n_clusters = input.n_labels;
  report.n_clusters = clustering.n_clusters;
  const GeneProducts elsewhere = gene_products_on(options.device, callbacks);
  const auto cluster = [&](const char* stage, const CellBlocks& values) {
    report_progress(callbacks, {stage, 0, values.n_cells, "cells"});
    ClusteringScores scores = score_clusters(values, input.labels, clustering, elsewhere);
    report_progress(callbacks, {stage, values.n_cells, values.n_cells, "cells"});
    return scores;
  };
  report.clusters = cluster("cluster denoised values", input.denoised);
  if (options.baseline && input.observed) {
    report.baseline_clusters = cluster("cluster observed values", *input.observed);
  }
  return report;
}

}  // namespace maskclass
