#include "engine/io/file_format.h"

#include <fmt/core.h>

#include <string_view>

#include "engine/error.h"
#include "engine/io/hdf5/kind.h"
#include "engine/io/hdf5/trial.h"
#include "engine/io/text/byte_source.h"

namespace maskclass::io {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHdf5Magic = "\x89HDF\r\n\x1a\n"sv;
constexpr std::string_view kZipMagic = "PK\x03\x04"sv;

/// The first bytes of a file as they lie on disk.
std::string first_bytes(const std::filesystem::path& path) {
  InputFile file(path);
  std::string bytes(16, '\0');
  bytes.resize(file.read(bytes.data(), bytes.size()));
  return bytes;
}

/// The first line of a text, unpacked where it is gzip.
std::string first_line(const std::filesystem::path& path) {
  ByteSource source(path);
  std::string line(1 << 16, '\0');
  line.resize(source.read(line.data(), line.size()));
  return line.substr(0, line.find('\n'));
}

std::string ending_of_text(const std::filesystem::path& path) {
  const std::string line = first_line(path);
  if (line.starts_with("%%MatrixMarket") || line.starts_with("%%matrixmarket")) return ".mtx";
  if (line.find('\0') != std::string::npos) return "";
  return line.find('\t') == std::string::npos && line.find(',') != std::string::npos ? ".csv"
                                                                                     : ".tsv";
}

void look_for_damage([[maybe_unused]] const std::filesystem::path& path) {
#ifdef MASKCLASS_HAS_HDF5
  hdf5::survive_opening(path);
#endif
}

std::string ending_of_hdf5([[maybe_unused]] const std::filesystem::path& path) {
#ifdef MASKCLASS_HAS_HDF5
  hdf5::survive_opening(path);
  switch (hdf5::kind_of_file(path)) {
    case FileFormat::tenx_h5:
      return ".h5";
    case FileFormat::loom:
      return ".loom";
    default:
      return ".h5ad";  // Its reader says what is missing.
  }
#else
  refuse_hdf5(path);
#endif
}

}  // namespace

NameParts split_ending(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  if (ending == ".gz") ending = path.stem().extension().string() + ending;
  const std::string name = path.string();
  return {name.substr(0, name.size() - ending.size()), ending};
}

FileFormat format_by_ending(std::string_view ending) {
  if (ending.empty()) return FileFormat::folder;
  constexpr struct {
    std::string_view ending;
    FileFormat format;
  } known[] = {{".mtx", FileFormat::matrix_market}, {".mtx.gz", FileFormat::matrix_market},
               {".csv", FileFormat::table},         {".csv.gz", FileFormat::table},
               {".tsv", FileFormat::table},         {".tsv.gz", FileFormat::table},
               {".txt", FileFormat::table},         {".txt.gz", FileFormat::table},
               {".tab", FileFormat::table},         {".tab.gz", FileFormat::table},
               {".npy", FileFormat::npy},           {".npz", FileFormat::npz},
               {".h5ad", FileFormat::h5ad},         {".h5", FileFormat::tenx_h5},
               {".hdf5", FileFormat::tenx_h5},      {".loom", FileFormat::loom}};
  for (const auto& one : known) {
    if (ending == one.ending) return one.format;
  }
  return FileFormat::unknown;
}

bool is_hdf5(FileFormat format) {
  return format == FileFormat::h5ad || format == FileFormat::tenx_h5 || format == FileFormat::loom;
}

FileFormat format_by_name(const std::filesystem::path& path) {
  return format_by_ending(split_ending(path).ending);
}

std::string ending_by_content(const std::filesystem::path& path) {
  const std::string start = first_bytes(path);
  if (start.empty()) throw data_error(fmt::format("{}: the file is empty", path.string()));
  if (start.starts_with(kHdf5Magic)) return ending_of_hdf5(path);
  if (start.starts_with(kZipMagic)) return ".npz";
  return ending_of_text(path);
}

FileFormat detect_format(const std::filesystem::path& path) {
  require_input(path);
  std::error_code ignored;
  const FileFormat named = format_by_name(path);
  if (std::filesystem::is_directory(path, ignored)) return FileFormat::folder;
  if (is_hdf5(named)) {
    const bool whole = first_bytes(path).starts_with(kHdf5Magic);
    if (whole) return format_by_ending(ending_of_hdf5(path));
    look_for_damage(path);  // HDF5 may find its header further on.
    return named;
  }
  if (named != FileFormat::unknown && named != FileFormat::folder) return named;
  // Any text could be a table: that its name must say.
  const std::string ending = ending_by_content(path);
  const FileFormat found = ending.empty() ? FileFormat::unknown : format_by_ending(ending);
  if (found != FileFormat::unknown && found != FileFormat::table) return found;
  throw usage_error(fmt::format(
      "{}: neither its name nor its content says what it is; counts are read from a 10x "
      "folder, .h5, .h5ad, .loom, .npz, .mtx, .csv, .tsv and .txt (these four may be "
      ".gz)",
      path.string()));
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

void refuse_hdf5(const std::filesystem::path& path) {
  throw usage_error(fmt::format(
      "{}: this program was built without HDF5 and knows no .h5ad, .h5 and .loom files; "
      "build it with -DMASKCLASS_HDF5=ON or use another format",
      path.string()));
}

}  // namespace maskclass::io
