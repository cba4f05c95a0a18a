#include "engine/train/held_out_predictions.h"

#include <algorithm>

namespace maskclass {

std::vector<float> predict_held_out(Backend& backend, std::int64_t n_cells, std::int64_t n_genes,
                                    const Thinned& thinned) {
  constexpr std::int64_t kCellsPerBlock = 1024;
  std::vector<float> block(std::min(n_cells, kCellsPerBlock) * n_genes);
  std::vector<float> predicted;
  predicted.reserve(thinned.cell.size());
  std::size_t next = 0;
  for (std::int64_t first = 0; first < n_cells; first += kCellsPerBlock) {
    const std::int64_t n = std::min(kCellsPerBlock, n_cells - first);
    backend.reconstruct(first, n, block.data(), nullptr);
    for (; next < thinned.cell.size() && thinned.cell[next] < first + n; ++next) {
      predicted.push_back(block[(thinned.cell[next] - first) * n_genes + thinned.gene[next]]);
    }
  }
  return predicted;
}

}  // namespace maskclass
