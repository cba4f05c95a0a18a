#pragma once

#include <filesystem>
#include <string>

namespace maskclass::io {

/// The formats that are told by the ending of a name.
enum class FileFormat { folder, matrix_market, table, npy, h5ad, unknown };

/// The format that the name says; `folder` for a name that ends in "/" or has no ending. Nothing is
/// looked up on disk.
FileFormat format_by_name(const std::filesystem::path& path);

/// "out.csv.gz" in two: "out" and ".csv.gz".
struct NameParts {
  std::filesystem::path stem;
  std::string ending;
};
NameParts split_ending(const std::filesystem::path& path);

/// Throws Error{data} where nothing is at `path`.
void require_input(const std::filesystem::path& path);

/// Throws Error{usage}: this build cannot read or write .h5ad.
[[noreturn]] void refuse_h5ad(const std::filesystem::path& path);

}  // namespace maskclass::io
