#include "engine/io/hdf5/kind.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"

namespace maskclass::io::hdf5 {
namespace {

bool is_tenx_group(const Node& file, const std::string& name) {
  return has(file, name + "/barcodes") && has(file, name + "/indptr");
}

FileFormat kind_of(const Node& file) {
  if (has(file, "obs") && has(file, "var")) return FileFormat::h5ad;
  if (has(file, "matrix") && has(file, "row_attrs") && has(file, "col_attrs")) {
    return FileFormat::loom;
  }
  // Of the layout before version 3, the groups have the names of genomes.
  const std::vector<std::string> names = child_names(file);
  const bool tenx = std::any_of(names.begin(), names.end(),
                                [&](const std::string& name) { return is_tenx_group(file, name); });
  return tenx ? FileFormat::tenx_h5 : FileFormat::unknown;
}

}  // namespace

FileFormat kind_of_file(const std::filesystem::path& path) {
  const Session session;
  try {
    return kind_of(open_file(path));
  } catch (const Error&) {
    return FileFormat::unknown;  // Its reader says what is wrong.
  }
}

}  // namespace maskclass::io::hdf5
