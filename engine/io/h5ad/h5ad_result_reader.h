#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/result_reader.h"

namespace maskclass::io {

/// Opens one matrix of an .h5ad file: "X", "raw/X", "layers/<layer>" or "obsm/<key>" (whose columns
/// are named "0", "1", ...). Dense and csr matrices are read a block at a time, a csc matrix is
/// converted in memory. Throws Error{data} that names the file and what is wrong.
std::unique_ptr<ResultReader> open_h5ad_result(const std::filesystem::path& path,
                                               const std::string& name);

/// A column of `table` ("obs", "var", "raw/var") as text: strings, the names of categories,
/// numbers, "True" and "False"; "" where a value is missing. Throws Error{data} where there is no
/// such column, with those that there are.
std::vector<std::string> read_h5ad_column(const std::filesystem::path& path,
                                          const std::string& table, const std::string& column);

/// A column of numbers or booleans; NaN where a value is missing. Throws as above, and where the
/// column is text.
std::vector<double> read_h5ad_numbers(const std::filesystem::path& path, const std::string& table,
                                      const std::string& column);

/// The value uns["maskclass"][name] as text (booleans "true" and "false"), or nothing where the
/// file has none of that name.
std::optional<std::string> read_h5ad_parameter(const std::filesystem::path& path,
                                               const std::string& name);

}  // namespace maskclass::io
