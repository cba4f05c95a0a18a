#include "engine/biozero/calibrated/calibrate.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/biozero/calibrated/library.h"
#include "engine/biozero/calibrated/network_weight.h"
#include "engine/counted.h"
#include "engine/train/held_out_predictions.h"

namespace maskclass::calibrated {
namespace {

/// [n_cells][latent_width]
std::vector<double> latent_of(Backend& backend, std::int64_t n_cells, std::int64_t latent_width) {
  std::vector<float> latent(n_cells * latent_width);
  backend.reconstruct(0, n_cells, nullptr, latent.data());
  return {latent.begin(), latent.end()};
}

std::string percent(double share) {
  return std::to_string(static_cast<int>(std::lround(100 * share))) + " %";
}

void report(const Calibration& calibration, const Callbacks& callbacks) {
  const ClusterChoice& choice = calibration.choice;
  std::string tried;
  for (const Candidate& candidate : choice.candidates) {
    tried += (tried.empty() ? "" : ", ") + std::to_string(candidate.n_clusters) + ": " +
             std::to_string(candidate.log_likelihood);
  }
  log_line(callbacks, "calibrated: " + counted(choice.n_clusters, "cluster") +
                          ", chosen by the log likelihood of entries set aside (" + tried + ")");
  if (!choice.zero_inflated) {
    log_line(callbacks,
             "calibrated: no zero inflation: the zeros are as many as counts without dropout would "
             "have, so all count as biological, and get what their gene shows on average there");
  }
  if (choice.zero_inflated) {
    log_line(callbacks, "calibrated: dropout depends on what the cell expresses by " +
                            percent(choice.expression_share) + ", else on the gene's mean");
  }
  log_line(callbacks, "calibrated: the network's own prediction counts " +
                          percent(calibration.zeros.network_weight()));
}

}  // namespace

Calibration calibrate(const CalibrationInput& input, const ChoiceOptions& options,
                      const Callbacks& callbacks) {
  const std::int64_t n_cells = input.counts.n_cells;
  const std::int64_t n_genes = input.counts.n_genes;
  const std::vector<double> observed_factor = factors_of(input.library_size);
  const std::vector<double> thinned_latent =
      latent_of(input.on_thinned, n_cells, input.latent_width);
  const Points latent{thinned_latent, n_cells, input.latent_width};
  ClusterChoice choice =
      choose_clusters(input.counts, input.library_size, latent, input.held_out, options, callbacks);
  const Estimate without =
      estimate(input.counts, input.library_size, cluster_cells(latent, choice.n_clusters, options),
               {choice.zero_inflated, options.n_threads, input.held_out, 0, Detail::with_values,
                choice.expression_share});
  const double weight = network_weight(
      input.thinned, predict_held_out(input.on_thinned, n_cells, n_genes, input.thinned), without,
      observed_factor);

  const std::vector<double> all = latent_of(input.on_all, n_cells, input.latent_width);
  const Clusters clusters =
      cluster_cells({all, n_cells, input.latent_width}, choice.n_clusters, options);
  Estimate fitted = estimate(input.counts, input.library_size, clusters,
                             {choice.zero_inflated,
                              options.n_threads,
                              {},
                              weight > 0 ? ZeroValues::kLargestShift : 0,
                              Detail::with_values,
                              choice.expression_share});
  Calibration calibration{
      ZeroValues(std::move(fitted), observed_factor, choice.zero_inflated, weight),
      std::move(choice)};
  report(calibration, callbacks);
  return calibration;
}

}  // namespace maskclass::calibrated
