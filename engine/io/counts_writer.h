#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/dataset.h"

namespace maskclass::io {

/// A column of text about the cells, such as their group.
struct CellColumn {
  std::string name;
  std::vector<std::string> values;  ///< [n_cells]
};

/// Writes counts as an input file of this program: .h5ad, or (a name without ending) a 10x Matrix
/// Market directory, gzipped; the columns go to obs, or to cells.tsv.gz. Written to a temporary
/// name, synced, renamed. Throws Error{data} where the folder is missing or not writable.
void write_counts(const std::filesystem::path& path, const Dataset& dataset,
                  const std::vector<CellColumn>& columns = {});

}  // namespace maskclass::io
