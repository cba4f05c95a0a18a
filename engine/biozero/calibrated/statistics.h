#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/biozero/quadrature.h"
#include "engine/matrix/csr.h"
#include "engine/matrix/held_out.h"

namespace maskclass::calibrated {

/// The cells of a data set by cluster.
struct Clusters {
  std::int64_t n_clusters = 1;
  std::vector<std::int32_t> of_cell;  ///< [n_cells], in [0, n_clusters)
};

/// All cells in one.
Clusters one_cluster(std::int64_t n_cells);

/// What is known of one gene in one cluster: the entries that were not set aside.
struct GeneStatistics {
  double n_entries = 0;
  double n_nonzeros = 0;
  double mean = 0;      ///< of c/l over the non-zeros; 0 without any
  double variance = 0;  ///< of the same, divided by n - 1; 0 where n < 2
};

struct Statistics {
  std::int64_t n_clusters = 0;
  std::int64_t n_genes = 0;
  std::vector<GeneStatistics> genes;    ///< [n_clusters][n_genes]
  std::vector<Quadrature> log_library;  ///< [n_clusters]: a rule for means over the cells' ln l
};

/// `library_factor` [n_cells] > 0. The result does not depend on `n_threads`.
Statistics gather_statistics(const CsrView& counts, std::span<const double> library_factor,
                             const Clusters& clusters, const HeldOut& held_out, int n_threads);

}  // namespace maskclass::calibrated
