#pragma once

#include <cstdint>
#include <functional>

namespace maskclass {

/// A matrix of cells x genes that is handed out in dense blocks of cells, so that the whole never
/// lies in memory: a file, or sparse counts that are normalised on the way.
struct CellBlocks {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  /// Cells [first_cell, first_cell + n_cells) to out[n_cells][n_genes], row by row. The same cells
  /// give the same values each time; called from one thread at a time.
  std::function<void(std::int64_t first_cell, std::int64_t n_cells, float* out)> read;
};

/// Cells to read at a time: about 16 MB of values, and a function of the number of genes alone so
/// that no result depends on the machine.
std::int64_t cells_a_block(std::int64_t n_genes);

/// Calls visit(first_cell, n_cells, values[n_cells][n_genes]) for consecutive blocks of all cells.
void for_each_block(const CellBlocks& blocks,
                    const std::function<void(std::int64_t first_cell, std::int64_t n_cells,
                                             const float* values)>& visit);

}  // namespace maskclass
