#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace maskclass::io {

enum class FileFormat {
  folder,         ///< A 10x directory; written: one a matrix.
  matrix_market,  ///< .mtx[.gz]
  table,          ///< .csv, .tsv, .txt, .tab [.gz]
  npy,
  npz,  ///< scipy.sparse.save_npz
  h5ad,
  tenx_h5,
  loom,
  unknown
};

/// h5ad, tenx_h5 or loom.
bool is_hdf5(FileFormat format);

/// The format that the name says; `folder` for a name that ends in "/" or has no ending. Nothing is
/// looked up on disk.
FileFormat format_by_name(const std::filesystem::path& path);
/// The same for ".csv.gz" and its like.
FileFormat format_by_ending(std::string_view ending);

/// The format of an input: a folder, or what its name says; of HDF5 files, and of names that say
/// nothing, what the content says. Throws Error{data} where nothing is there or it is empty,
/// Error{usage} where neither name nor content tell.
FileFormat detect_format(const std::filesystem::path& path);

/// The usual ending of files whose content is that of `path`: ".csv", ".h5ad", ... Throws
/// Error{data} for one that is empty or compressed by another program than gzip.
std::string ending_by_content(const std::filesystem::path& path);

/// "out.csv.gz" in two: "out" and ".csv.gz".
struct NameParts {
  std::filesystem::path stem;
  std::string ending;
};
NameParts split_ending(const std::filesystem::path& path);

/// Throws Error{data} where nothing is at `path`.
void require_input(const std::filesystem::path& path);

/// Throws Error{usage}: this build cannot read or write HDF5.
[[noreturn]] void refuse_hdf5(const std::filesystem::path& path);

}  // namespace maskclass::io
