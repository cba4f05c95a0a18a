#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"
#include "engine/progress.h"

namespace maskclass {

/// The genes and cells of a matrix that a job works on, as ascending indices into it.
struct Kept {
  std::vector<std::int32_t> genes;
  std::vector<std::int64_t> cells;
};

/// Keeps the genes with a non-zero count in at least `min_cells` cells (paper, Section 2.1; 0 keeps
/// all), then the cells that have counts over those genes.
///
/// A cell without any is left out with a log line where `drop_empty_cells`; else it is an
/// Error{data} that names it by `cell_names` ([n_cells], or empty: by its number) and names the
/// option `--drop-empty-cells`. Also Error{data}: no cells, or no gene or cell left. Error{usage}:
/// a negative `min_cells`, or a number of names that is not the number of cells.
Kept filter_genes_and_cells(const CsrView& counts, int min_cells, bool drop_empty_cells,
                            std::span<const std::string> cell_names, int n_threads,
                            const Callbacks& callbacks = {});

/// The batches of some cells: batch_of[cell] for each, or nothing where there are no batches.
std::vector<std::int32_t> batches_of_cells(std::span<const std::int32_t> batch_of,
                                           std::span<const std::int64_t> cells);

}  // namespace maskclass
