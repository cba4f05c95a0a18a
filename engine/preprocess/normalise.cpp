#include "engine/preprocess/normalise.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/preprocess/quantile.h"

namespace maskclass {

LibrarySizes library_sizes_of(const CsrPart& counts, int n_threads) {
  const std::int64_t n_cells = counts.n_cells();
  if (n_cells == 0) throw data_error("the matrix has no cells");
  LibrarySizes result;
  result.sizes.resize(n_cells);
  for_each_run_on(std::max(1, n_threads), n_cells, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t cell = first; cell < end; ++cell) {
      double sum = 0;
      counts.for_each_nonzero(cell, [&](std::int32_t, float count) { sum += double{count}; });
      result.sizes[cell] = sum;
    }
    counts.give_back(first, end);
  });
  const auto empty = std::find_if(result.sizes.begin(), result.sizes.end(),
                                  [](double size) { return !(size > 0); });
  if (empty != result.sizes.end()) {
    throw data_error("cell " + std::to_string(empty - result.sizes.begin() + 1) +
                     " (counted from 1) has no counts");
  }
  std::vector<double> sizes = result.sizes;
  result.median = quantile(std::span(sizes), 0.5);
  result.size_factors.resize(n_cells);
  std::transform(result.sizes.begin(), result.sizes.end(), result.size_factors.begin(),
                 [&](double size) { return result.median / size; });
  return result;
}

}  // namespace maskclass
