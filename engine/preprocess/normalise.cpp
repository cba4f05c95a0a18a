#include "engine/preprocess/normalise.h"

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/preprocess/quantile.h"

namespace maskclass {

LibrarySizes library_sizes_of(const CsrView& counts, int n_threads) {
  if (counts.n_cells == 0) throw data_error("the matrix has no cells");
  LibrarySizes result;
  result.sizes.resize(counts.n_cells);
#pragma omp parallel for num_threads(std::max(1, n_threads)) schedule(static)
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const auto values = counts.row_values(cell);
    result.sizes[cell] = std::accumulate(values.begin(), values.end(), 0.0);
  }
  const auto empty = std::find_if(result.sizes.begin(), result.sizes.end(),
                                  [](double size) { return !(size > 0); });
  if (empty != result.sizes.end()) {
    throw data_error("cell " + std::to_string(empty - result.sizes.begin() + 1) +
                     " (counted from 1) has no counts");
  }
  std::vector<double> sizes = result.sizes;
  result.median = quantile(std::span(sizes), 0.5);
  result.size_factors.resize(counts.n_cells);
  std::transform(result.sizes.begin(), result.sizes.end(), result.size_factors.begin(),
                 [&](double size) { return result.median / size; });
  return result;
}

}  // namespace maskclass
