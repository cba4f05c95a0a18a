#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/features.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads features.tsv[.gz] or genes.tsv[.gz]: id, symbol, type, separated by tabs. Throws
/// Error{data} with file:line where a line is blank or has fewer columns than the first.
FeatureList read_features(const std::filesystem::path& path);

/// Reads the first column of a file of names, such as barcodes.tsv[.gz]. Throws Error{data} with
/// file:line where a line is blank.
std::vector<std::string> read_names(const std::filesystem::path& path);

/// `path`, or `path` + ".gz", whichever exists; nothing where neither does.
std::optional<std::filesystem::path> plain_or_gzip(const std::filesystem::path& path);

/// "cell0", "cell1", ... for files without names.
std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n);

/// The names in the text file beside a matrix that holds none: NAME.cells.txt (or genes) beside
/// NAME.npy, NAME.npz or NAME.output.npy; numbered ones where there is none. Throws Error{data}
/// where the file has not `n` names.
std::vector<std::string> names_beside(const std::filesystem::path& path, const std::string& what,
                                      std::int64_t n);

/// Says in one log line where names of `what` ("gene", "cell") are not unique.
void log_repeated_names(const std::vector<std::string>& names, const std::string& what,
                        const Callbacks& callbacks);

}  // namespace maskclass::io
