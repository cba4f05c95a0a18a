#include "engine/biozero/mask_probability.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/biozero/calibrated/choose_clusters.h"
#include "engine/biozero/calibrated/library.h"
#include "engine/biozero/dropout_groups.h"
#include "engine/biozero/moments.h"
#include "engine/biozero/posterior.h"
#include "engine/counted.h"

namespace maskclass {
namespace {

/// Of all entries: enough to tell whether zeros are inflated, on the smallest data sets too.
constexpr double kCheckedShare = 0.1;

/// log odds of dropout = a - b ln(mean count)
struct LogOdds {
  double a;
  double b;
};

std::string two_decimals(double value) {
  std::array<char, 400> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 2);
  return {text.data(), end.ptr};
}

/// One line with the curve of each group, or of the first where there are many.
void log_curves(const MaskProbabilityInput& input, const DropoutGroups& groups,
                std::span<const LogOdds> curves, const Callbacks& callbacks) {
  constexpr std::size_t kShown = 8;
  std::string line = "dropout by batch, in log odds a - b ln(mean count): ";
  for (std::size_t k = 0; k < std::min(kShown, curves.size()); ++k) {
    line += (k == 0 ? "" : "; ") + text_of_batches(groups.batches[k], input.batch_names) +
            " a = " + two_decimals(curves[k].a) + ", b = " + two_decimals(curves[k].b);
  }
  if (curves.size() > kShown) {
    line +=
        "; and " + counted(std::ssize(curves) - static_cast<std::int64_t>(kShown), "more curve");
  }
  log_line(callbacks, line);
}

/// The posterior of the paper's estimator.
void fit_moments_to(const MaskProbabilityInput& input, const DropoutGroups& groups, int n_threads,
                    MaskProbability& result, const Callbacks& callbacks) {
  result.library_factor = calibrated::factors_of(input.library_size);
  std::vector<LogOdds> curves;
  for (DropoutModel& fitted :
       fit_moments_by_group(input.counts, result.library_factor, groups, n_threads)) {
    curves.push_back({fitted.a, fitted.b});
    const auto model = std::make_shared<const DropoutModel>(std::move(fitted));
    if (groups.n_groups == 1) result.dropout = model;
    result.posteriors.emplace_back([model](std::int64_t gene, double log_library) {
      return biozero_probability(*model, gene, log_library);
    });
  }
  if (groups.n_groups > 1) log_curves(input, groups, curves, callbacks);
}

calibrated::Clusters clusters_of(const DropoutGroups& groups, std::int64_t n_cells) {
  if (groups.n_groups == 1) return calibrated::one_cluster(n_cells);
  return {groups.n_groups, groups.of_cell};
}

/// Batches are its clusters.
void fit_calibrated_to(const MaskProbabilityInput& input, const DropoutGroups& groups,
                       const MaskProbabilityOptions& options, MaskProbability& result,
                       const Callbacks& callbacks) {
  const calibrated::Clusters clusters = clusters_of(groups, input.counts.n_cells);
  const HeldOut held_out =
      hold_out(kCheckedShare, options.seed, input.cell_ids, input.counts.n_genes);
  if (!calibrated::is_zero_inflated(input.counts, input.library_size, clusters, held_out,
                                    options.n_threads)) {
    log_line(callbacks,
             "--biozero calibrated: no zero inflation: all zeros count as biological in training");
    result.library_factor = calibrated::factors_of(input.library_size);
    result.posteriors.assign(groups.n_groups, [](std::int64_t, double) { return 1.0; });
    return;
  }
  calibrated::Estimate estimate = calibrated::estimate(input.counts, input.library_size, clusters,
                                                       {true, options.n_threads, {}, 0});
  if (groups.n_groups > 1) {
    std::vector<LogOdds> curves;
    for (const auto& dropout : estimate.model.dropout)
      curves.push_back({dropout.level, dropout.slope});
    log_curves(input, groups, curves, callbacks);
  }
  result.library_factor = estimate.library_factor;
  const auto table = std::make_shared<const calibrated::ZeroTable>(std::move(estimate.table));
  for (std::int64_t cluster = 0; cluster < groups.n_groups; ++cluster) {
    result.posteriors.emplace_back([table, cluster](std::int64_t gene, double log_library) {
      return table->without_values(cluster, gene, table->weights(cluster, log_library))
          .zero_probability;
    });
  }
}

}  // namespace

MaskProbability fit_mask_probability(const MaskProbabilityInput& input, BiozeroEstimator estimator,
                                     const MaskProbabilityOptions& options,
                                     const Callbacks& callbacks) {
  MaskProbability result;
  const DropoutGroups groups = group_batches(input.batch_of);
  const std::string shared = text_of_shared(groups, input.batch_names);
  if (!shared.empty()) log_line(callbacks, shared);
  if (estimator == BiozeroEstimator::moments) {
    fit_moments_to(input, groups, options.n_threads, result, callbacks);
  } else {
    fit_calibrated_to(input, groups, options, result, callbacks);
  }
  result.table =
      tabulate(result.posteriors, input.counts.n_genes, result.library_factor,
               sparsity_shrinkage(input.counts, options.alpha), groups.of_cell, options.n_threads);
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
