#include "engine/io/reader.h"

#include <fmt/core.h>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/text/matrix_market_reader.h"
#include "engine/io/text/table_reader.h"

namespace maskclass::io {
namespace {

void refuse_layer(const std::filesystem::path& path, const ReadOptions& options) {
  if (options.layer.empty()) return;
  throw usage_error(fmt::format("{}: --layer {} is for .h5ad files; this input has one matrix only",
                                path.string(), options.layer));
}

/// The text formats: one matrix, whose values the caller checks.
Dataset read_text(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks) {
  refuse_layer(path, options);
  if (std::filesystem::is_directory(path)) {
    return read_matrix_market_folder(path, options, callbacks);
  }
  switch (format_by_name(path)) {
    case FileFormat::matrix_market:
      return read_matrix_market_file(path, options, callbacks);
    case FileFormat::table:
      return read_table(path, options, callbacks);
    default:
      throw usage_error(fmt::format(
          "{}: counts are read from a 10x folder, .mtx[.gz], .csv[.gz], .tsv[.gz] or .h5ad, and "
          "the name has none of these endings",
          path.string()));
  }
}

}  // namespace

Dataset read_counts(const std::filesystem::path& path, const ReadOptions& options,
                    const Callbacks& callbacks) {
  require_input(path);
  if (format_by_name(path) == FileFormat::h5ad && !std::filesystem::is_directory(path)) {
#ifdef MASKCLASS_HAS_HDF5
    return read_h5ad(path, options, callbacks);
#else
    refuse_h5ad(path);
#endif
  }
  Dataset dataset = read_text(path, options, callbacks);
  check_counts(dataset, options.allow_non_integer);
  return dataset;
}

}  // namespace maskclass::io
