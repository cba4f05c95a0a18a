#pragma once

#include <filesystem>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads the counts of an AnnData file (see read_counts).
Dataset read_h5ad(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks);

}  // namespace maskclass::io
