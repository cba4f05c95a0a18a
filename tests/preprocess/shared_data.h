#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass::test {

/// The folder of shared data sets: $MASKCLASS_SHARED, or ../shared beside the source checkout; none
/// where neither exists.
std::optional<std::filesystem::path> shared_folder();

/// The lines of a gzipped text file, without their ends.
std::vector<std::string> read_gzipped_lines(const std::filesystem::path& path);

/// The counts of a 10x directory (matrix.mtx.gz, genes x cells), cells x genes; features that have
/// the same row stay apart. A reader for tests alone: it trusts the file.
CsrMatrix read_10x_counts(const std::filesystem::path& folder);

}  // namespace maskclass::test
