#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/io/text/matrix_sink.h"
#include "engine/io/text/name_writer.h"

namespace maskclass::io {

/// The names in a 10x .h5 file.
struct TenxNames {
  const std::vector<std::string>& cells;
  GeneLabels genes;
  const std::vector<std::string>& genomes;  ///< [n_genes], or empty: written as "".
};

/// Opens a file in the layout of Cell Ranger 3 and newer (group `matrix`, features x cells by
/// cells), with values of float32, and indices of int64 as Cell Ranger has them. Zeros are left
/// out. `path` is where to write, `name` the final name. Throws Error{data} on failure (disk full).
std::unique_ptr<MatrixSink> open_tenx_h5_sink(const std::filesystem::path& path,
                                              const std::string& name, const TenxNames& names,
                                              int compression);

}  // namespace maskclass::io
