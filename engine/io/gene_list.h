#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/io/dataset.h"

namespace maskclass::io {

/// Columns of the genes that a file names, one a line (its first column; plain or gzip), each by
/// its name, symbol or id; a name that several genes have stands for all of them. Ascending, none
/// twice. Throws Error{data} that names genes the data set lacks.
std::vector<std::int32_t> read_gene_list(const std::filesystem::path& path, const Dataset& dataset);

}  // namespace maskclass::io
