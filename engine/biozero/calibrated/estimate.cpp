#include "engine/biozero/calibrated/estimate.h"

#include <algorithm>
#include <cmath>

#include "engine/biozero/calibrated/library.h"
#include "engine/biozero/posterior.h"

namespace maskclass::calibrated {
namespace {

constexpr int kMostFits = 4;
/// Libraries rest where none has changed by more than this share: far below what counting them
/// leaves uncertain.
constexpr double kLibraryAtRest = 0.005;

double largest_change(std::span<const double> before, std::span<const double> after) {
  double largest = 0;
  for (std::size_t cell = 0; cell < before.size(); ++cell) {
    largest = std::max(largest, std::abs(after[cell] / before[cell] - 1));
  }
  return largest;
}

}  // namespace

std::vector<double> log_of(std::span<const double> library_factor) {
  std::vector<double> result(library_factor.begin(), library_factor.end());
  for (double& value : result) value = std::log(value);
  return result;
}

Estimate estimate(const CsrView& counts, std::span<const double> library_size,
                  const Clusters& clusters, const EstimateOptions& options) {
  Estimate result;
  result.clusters = clusters;
  result.library_size.assign(library_size.begin(), library_size.end());
  result.library_factor = factors_of(result.library_size);
  require_library_factors(result.library_factor, counts.n_cells);
  for (int round = 0; round < kMostFits; ++round) {
    const Statistics statistics = gather_statistics(counts, result.library_factor, clusters,
                                                    options.held_out, options.n_threads);
    const Model before = std::move(result.model);
    result.model =
        fit_model(statistics, {options.dropout, options.n_threads, options.expression_share,
                               round == 0 ? nullptr : &before});
    if (!options.dropout) break;
    const ZeroTable table(result.model, clusters, log_of(result.library_factor),
                          {Detail::without_values, 0, options.n_threads});
    result.library_size = restored_library_sizes(counts, library_size, result.library_factor,
                                                 clusters, table, options.n_threads);
    std::vector<double> factors = factors_of(result.library_size);
    const double change = largest_change(result.library_factor, factors);
    result.library_factor = std::move(factors);
    if (change < kLibraryAtRest) break;
  }
  result.table = ZeroTable(result.model, clusters, log_of(result.library_factor),
                           {options.detail, options.margin, options.n_threads});
  return result;
}

}  // namespace maskclass::calibrated
