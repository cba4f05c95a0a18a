#pragma once

#include <cstdint>
#include <span>

#include "engine/matrix/csr.h"
#include "engine/progress.h"
#include "engine/simulate/generator.h"

namespace maskclass::simulate {

/// The smallest expected mean squared error of any method that keeps observed non-zeros, the
/// generator known (SPEC 10): (zeros + nonzeros), each a sum over its entries divided by the number
/// of all entries.
struct BayesFloor {
  double zeros = 0;     ///< sum of Var(x* | c = 0) over observed zeros / (N G)
  double nonzeros = 0;  ///< sum of (x - x*)^2 over observed non-zeros / (N G)
  /// Brier score of the true posterior: mean of (P(x* = 0 | c = 0) - [x* = 0])^2 over observed
  /// zeros; 0 where there are none.
  double brier = 0;
  std::int64_t n_entries = 0;
  std::int64_t n_zeros = 0;

  double mse() const { return zeros + nonzeros; }
};

/// `counts` and `true_counts` are cells x all genes of the generator, their cells those of the
/// generator (simulate::select_cells where some were dropped). `library_genes`: the genes that
/// libraries are summed over (those with a count in at least 3 cells); `genes`: those scored; both
/// ascending. x is normalised as in preprocessing (log2(1 + c median(L)/L_i)), x* alike with the
/// truth's own libraries. Throws Error{data} where shapes differ or a cell has no counts. The bytes
/// do not depend on `n_threads`.
BayesFloor bayes_floor(const Generator& generator, const CsrView& counts,
                       const CsrView& true_counts, std::span<const std::int32_t> library_genes,
                       std::span<const std::int32_t> genes, int n_threads,
                       const Callbacks& callbacks = {});

}  // namespace maskclass::simulate
