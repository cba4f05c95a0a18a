#include "engine/biozero/calibrated/calibrate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/biozero/calibrated/library.h"
#include "engine/biozero/calibrated/network_weight.h"
#include "engine/counted.h"

namespace maskclass::calibrated {
namespace {

constexpr std::int64_t kCellsPerBlock = 1024;

/// The latent of all cells, and the network's output where `at` (ascending in the matrix) asks.
struct Inference {
  std::vector<double> latent;    // [n_cells][latent_width]
  std::vector<float> predicted;  // [asked for]
};

Inference infer(Backend& backend, std::int64_t n_cells, std::int64_t n_genes,
                std::int64_t latent_width, const Thinned* asked) {
  Inference result;
  result.latent.reserve(n_cells * latent_width);
  std::vector<float> latent(kCellsPerBlock * latent_width);
  std::vector<float> log2(asked != nullptr ? kCellsPerBlock * n_genes : 0);
  std::size_t next = 0;
  for (std::int64_t first = 0; first < n_cells; first += kCellsPerBlock) {
    const std::int64_t n = std::min(kCellsPerBlock, n_cells - first);
    backend.reconstruct(first, n, asked != nullptr ? log2.data() : nullptr, latent.data());
    result.latent.insert(result.latent.end(), latent.begin(), latent.begin() + n * latent_width);
    for (; asked != nullptr && next < asked->cell.size() && asked->cell[next] < first + n; ++next) {
      result.predicted.push_back(log2[(asked->cell[next] - first) * n_genes + asked->gene[next]]);
    }
  }
  return result;
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
  log_line(callbacks, "calibrated: the network's own prediction counts " +
                          percent(calibration.zeros.network_weight()));
}

}  // namespace

Calibration calibrate(const CalibrationInput& input, const ChoiceOptions& options,
                      const Callbacks& callbacks) {
  const std::int64_t n_cells = input.counts.n_cells;
  const std::int64_t n_genes = input.counts.n_genes;
  const std::vector<double> observed_factor = factors_of(input.library_size);
  const Inference unseen =
      infer(input.on_thinned, n_cells, n_genes, input.latent_width, &input.thinned);
  const Points latent{unseen.latent, n_cells, input.latent_width};
  ClusterChoice choice =
      choose_clusters(input.counts, input.library_size, latent, input.held_out, options, callbacks);
  const Estimate without =
      estimate(input.counts, input.library_size, cluster_cells(latent, choice.n_clusters, options),
               {choice.zero_inflated, options.n_threads, input.held_out, 0});
  const double weight = network_weight(input.thinned, unseen.predicted, without, observed_factor);

  const Inference all = infer(input.on_all, n_cells, n_genes, input.latent_width, nullptr);
  const Clusters clusters =
      cluster_cells({all.latent, n_cells, input.latent_width}, choice.n_clusters, options);
  Estimate fitted = estimate(
      input.counts, input.library_size, clusters,
      {choice.zero_inflated, options.n_threads, {}, weight > 0 ? ZeroValues::kLargestShift : 0});
  Calibration calibration{
      ZeroValues(std::move(fitted), observed_factor, choice.zero_inflated, weight),
      std::move(choice)};
  report(calibration, callbacks);
  return calibration;
}

}  // namespace maskclass::calibrated
