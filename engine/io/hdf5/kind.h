#pragma once

#include <filesystem>

#include "engine/io/file_format.h"

namespace maskclass::io::hdf5 {

/// What an HDF5 file holds, by the names of its groups: h5ad, tenx_h5, loom, or unknown (also where
/// it cannot be opened).
FileFormat kind_of_file(const std::filesystem::path& path);

}  // namespace maskclass::io::hdf5
