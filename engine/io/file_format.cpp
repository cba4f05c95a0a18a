#include "engine/io/file_format.h"

#include <fmt/core.h>

#include "engine/error.h"

namespace maskclass::io {

NameParts split_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  if (ending == ".gz") ending = path.stem().extension().string() + ending;
  const std::string name = path.string();
  return {name.substr(0, name.size() - ending.size()), ending};
}

FileFormat format_by_name(const std::filesystem::path& path) {
  const std::string ending = split_ending(path).ending;
  if (ending.empty()) return FileFormat::folder;
  if (ending == ".mtx" || ending == ".mtx.gz") return FileFormat::matrix_market;
  for (const char* table : {".csv", ".csv.gz", ".tsv", ".tsv.gz"}) {
    if (ending == table) return FileFormat::table;
  }
  if (ending == ".npy") return FileFormat::npy;
  if (ending == ".h5ad") return FileFormat::h5ad;
  return FileFormat::unknown;
}

void require_input(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (is_regular_file(status) || is_directory(status)) return;
  if (exists(status)) {
    throw data_error(fmt::format("{}: is neither a file nor a folder", path.string()));
  }
  if (status.type() == std::filesystem::file_type::not_found) error.clear();
  throw data_error(error ? fmt::format("{}: cannot be opened: {}", path.string(), error.message())
                         : fmt::format("{}: no such file or folder", path.string()));
}

void refuse_h5ad(const std::filesystem::path& path) {
  throw usage_error(
      fmt::format("{}: this program was built without HDF5 and knows no .h5ad files; build it with "
                  "-DMASKCLASS_HDF5=ON or use another format",
                  path.string()));
}

}  // namespace maskclass::io
