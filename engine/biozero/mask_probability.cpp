#include "engine/biozero/mask_probability.h"

#include <memory>
#include <string>
#include <utility>

#include "engine/biozero/calibrated/choose_clusters.h"
#include "engine/biozero/calibrated/library.h"
#include "engine/biozero/moments.h"
#include "engine/biozero/posterior.h"

namespace maskclass {
namespace {

/// Of all entries: enough to tell whether zeros are inflated, on the smallest data sets too.
constexpr double kHeldOutShare = 0.1;

/// The posterior of the paper's estimator.
void fit_moments_to(const MaskProbabilityInput& input, int n_threads, MaskProbability& result) {
  result.library_factor = calibrated::factors_of(input.library_size);
  const auto model = std::make_shared<const DropoutModel>(
      fit_moments(input.counts, result.library_factor, n_threads));
  result.dropout = model;
  result.posterior = [model](std::int64_t gene, double log_library) {
    return biozero_probability(*model, gene, log_library);
  };
}

void fit_calibrated_to(const MaskProbabilityInput& input, const MaskProbabilityOptions& options,
                       MaskProbability& result, const Callbacks& callbacks) {
  const calibrated::Clusters all = calibrated::one_cluster(input.counts.n_cells);
  const HeldOut held_out =
      hold_out(kHeldOutShare, options.seed, input.cell_ids, input.counts.n_genes);
  if (!calibrated::is_zero_inflated(input.counts, input.library_size, all, held_out,
                                    options.n_threads)) {
    log_line(callbacks,
             "--biozero calibrated: no zero inflation: all zeros count as biological in training");
    result.library_factor = calibrated::factors_of(input.library_size);
    result.posterior = [](std::int64_t, double) { return 1.0; };
    return;
  }
  calibrated::Estimate estimate =
      calibrated::estimate(input.counts, input.library_size, all, {true, options.n_threads, {}, 0});
  result.library_factor = estimate.library_factor;
  const auto table = std::make_shared<const calibrated::ZeroTable>(std::move(estimate.table));
  result.posterior = [table](std::int64_t gene, double log_library) {
    return table->without_values(0, gene, table->weights(0, log_library)).zero_probability;
  };
}

}  // namespace

MaskProbability fit_mask_probability(const MaskProbabilityInput& input, BiozeroEstimator estimator,
                                     const MaskProbabilityOptions& options,
                                     const Callbacks& callbacks) {
  MaskProbability result;
  if (estimator == BiozeroEstimator::moments) {
    fit_moments_to(input, options.n_threads, result);
  } else {
    fit_calibrated_to(input, options, result, callbacks);
  }
  result.table = tabulate(result.posterior, input.counts.n_genes, result.library_factor,
                          sparsity_shrinkage(input.counts, options.alpha), options.n_threads);
  constexpr float kNotable = 1e-3f;
  if (result.table.largest_error > kNotable) {
    log_line(callbacks,
             "a steep dropout curve: the biozero probabilities that training uses are off by up "
             "to " +
                 std::to_string(result.table.largest_error));
  }
  return result;
}

}  // namespace maskclass
