#include "engine/evaluate/cell_blocks.h"

#include <algorithm>
#include <vector>

namespace maskclass {

std::int64_t cells_a_block(std::int64_t n_genes) {
  constexpr std::int64_t values_a_block = std::int64_t{4} << 20;
  return std::clamp<std::int64_t>(values_a_block / std::max<std::int64_t>(1, n_genes), 16, 4096);
}

void for_each_block(const CellBlocks& blocks,
                    const std::function<void(std::int64_t, std::int64_t, const float*)>& visit) {
  const std::int64_t block_size = std::min(blocks.n_cells, cells_a_block(blocks.n_genes));
  std::vector<float> values(block_size * blocks.n_genes);
  for (std::int64_t first = 0; first < blocks.n_cells; first += block_size) {
    const std::int64_t n_cells = std::min(block_size, blocks.n_cells - first);
    blocks.read(first, n_cells, values.data());
    visit(first, n_cells, values.data());
  }
}

}  // namespace maskclass
