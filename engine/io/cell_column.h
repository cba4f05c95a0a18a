#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/dataset.h"

namespace maskclass::io {

/// A column about the cells of an input that `dataset` was read from, as text: of obs of an .h5ad,
/// of col_attrs of a .loom, or of cells.tsv[.gz] in a 10x directory. Throws Error{usage} that says
/// where such a column could stand where the format has none, Error{data} where it is not there.
std::vector<std::string> read_cell_column(const Dataset& dataset, const std::string& column);

/// Groups of equal text, numbered in the order in which they first come.
struct Grouping {
  std::vector<std::int32_t> group_of;  ///< [n_cells]
  std::vector<std::string> names;      ///< [n_groups]
};
Grouping group(const std::vector<std::string>& labels);

}  // namespace maskclass::io
