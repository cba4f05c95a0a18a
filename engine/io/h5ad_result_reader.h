#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/io/result_reader.h"

namespace maskclass::io {

/// Opens one matrix of an AnnData file (see open_result).
std::unique_ptr<ResultReader> open_h5ad_result(const std::filesystem::path& path,
                                               const std::string& name);

}  // namespace maskclass::io
