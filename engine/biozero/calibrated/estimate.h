#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/biozero/calibrated/fit.h"
#include "engine/biozero/calibrated/statistics.h"
#include "engine/biozero/calibrated/zero_posterior.h"

namespace maskclass::calibrated {

/// A fitted model with the library sizes that it restores.
struct Estimate {
  Model model;
  Clusters clusters;
  std::vector<double> library_size;    ///< [n_cells]: counts and what dropout took, as expected
  std::vector<double> library_factor;  ///< [n_cells]: the same over their median
  ZeroTable table;                     ///< At these factors.
};

struct EstimateOptions {
  bool dropout = true;  ///< false: without zero inflation; libraries are then as observed.
  int n_threads = 1;    ///< Changes the speed only.
  HeldOut held_out;     ///< Entries that the fit must not see.
  double margin = 0;    ///< Of the table.
  Detail detail = Detail::with_values;  ///< Of the table.
  double expression_share = 1;          ///< Of the model.
};

/// Fits the model, restores library sizes, and fits again until they rest (at most four fits).
/// Reads nothing but counts: `library_size` [n_cells] are sums over all genes that were read, of
/// which `counts` may hold some only; what dropout took is added up over those. Throws Error{data}
/// for a library that is not positive.
Estimate estimate(const CsrView& counts, std::span<const double> library_size,
                  const Clusters& clusters, const EstimateOptions& options);

/// ln l of each cell.
std::vector<double> log_of(std::span<const double> library_factor);

}  // namespace maskclass::calibrated
