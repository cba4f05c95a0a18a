#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "engine/io/counts_writer.h"
#include "engine/io/dataset.h"
#include "engine/io/result_writer.h"

namespace maskclass::io {

/// Writes results to an AnnData file (see open_result_writer).
std::unique_ptr<ResultWriter> open_h5ad_writer(const std::filesystem::path& path,
                                               const ResultHeader& header);

/// Writes counts to an AnnData file (see write_counts).
void write_h5ad_counts(const std::filesystem::path& path, const Dataset& dataset,
                       const std::vector<CellColumn>& columns);

}  // namespace maskclass::io
