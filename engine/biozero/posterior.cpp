#include "engine/biozero/posterior.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/error.h"
#include "engine/preprocess/quantile.h"
#include "kernels/math/biozero_posterior.h"

namespace maskclass {
double biozero_probability(const DropoutModel& model, std::int64_t gene,
                           double log_library_factor) {
  // ln 0 is minus infinity, which biozero_posterior expects of a mean of 0.
  const BiozeroGene parameters{std::log(model.mean[gene]), model.dispersion[gene]};
  return biozero_posterior(parameters, {model.a, model.b}, log_library_factor);
}

std::vector<double> sparsity_shrinkage(const CsrView& counts, double alpha) {
  if (!(alpha >= 0 && alpha <= 1)) {
    throw usage_error("the strength of the cell sparsity adjustment is " + std::to_string(alpha) +
                      "; it must lie between 0 and 1");
  }
  std::vector<double> shrinkage(counts.n_cells, 1.0);
  if (counts.n_cells == 0 || counts.n_genes == 0) return shrinkage;
  std::vector<double> zero_fraction(counts.n_cells);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const std::int64_t n_nonzero = counts.indptr[cell + 1] - counts.indptr[cell];
    zero_fraction[cell] =
        static_cast<double>(counts.n_genes - n_nonzero) / static_cast<double>(counts.n_genes);
  }
  std::vector<double> reordered = zero_fraction;
  const double low = quantile(std::span(reordered), 0.05);
  const double high = quantile(std::span(reordered), 0.95);
  if (!(high > low)) return shrinkage;
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    shrinkage[cell] = 1 - alpha * std::clamp((zero_fraction[cell] - low) / (high - low), 0.0, 1.0);
  }
  return shrinkage;
}

void require_library_factors(std::span<const double> library_factor, std::int64_t n_cells) {
  if (std::ssize(library_factor) != n_cells) {
    throw usage_error("there are " + std::to_string(library_factor.size()) +
                      " library factors for " + std::to_string(n_cells) +
                      " cells; give one factor a cell");
  }
  for (std::size_t cell = 0; cell < library_factor.size(); ++cell) {
    if (std::isfinite(library_factor[cell]) && library_factor[cell] > 0) continue;
    throw data_error("cell " + std::to_string(cell + 1) + " has the library factor " +
                     std::to_string(library_factor[cell]) +
                     "; remove cells without counts before the zeros are modelled");
  }
}

}  // namespace maskclass
