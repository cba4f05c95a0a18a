#include "engine/io/cell_column.h"

#include <fmt/core.h>

#include <unordered_map>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_result_reader.h"
#include "engine/io/labels.h"
#include "engine/io/loom/loom_reader.h"
#include "engine/io/text/name_lists.h"

namespace maskclass::io {

std::vector<std::string> read_cell_column(const Dataset& dataset, const std::string& column) {
  switch (dataset.format) {
#ifdef MASKCLASS_HAS_HDF5
    case FileFormat::h5ad:
      return read_h5ad_column(dataset.path, "obs", column);
    case FileFormat::loom:
      return read_loom_column(dataset.path, column);
#endif
    case FileFormat::folder:
      if (const auto table =
              plain_or_gzip(std::filesystem::path(dataset.path).parent_path() / "cells.tsv")) {
        return read_labels(*table, column, dataset.cell_names);
      }
      [[fallthrough]];
    default:
      throw usage_error(
          fmt::format("{}: has no columns about its cells; name a table of cells with "
                      "--cells FILE (.tsv or .csv, with a header)",
                      dataset.path));
  }
}

Grouping group(const std::vector<std::string>& labels) {
  Grouping grouping;
  std::unordered_map<std::string, std::int32_t> number_of;
  for (const std::string& label : labels) {
    const auto [place, is_new] =
        number_of.emplace(label, static_cast<std::int32_t>(grouping.names.size()));
    if (is_new) grouping.names.push_back(label);
    grouping.group_of.push_back(place->second);
  }
  return grouping;
}

}  // namespace maskclass::io
