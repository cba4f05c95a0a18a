#include "engine/io/reader.h"

#include <fmt/core.h>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/loom/loom_reader.h"
#include "engine/io/npz/npz_reader.h"
#include "engine/io/tenx/tenx_h5_reader.h"
#include "engine/io/text/matrix_market_reader.h"
#include "engine/io/text/name_lists.h"
#include "engine/io/text/name_patterns.h"
#include "engine/io/text/table_reader.h"

namespace maskclass::io {
namespace {

/// An option that a format has no use for is a mistake that would go unseen.
void check_options(const std::filesystem::path& path, FileFormat format,
                   const ReadOptions& options) {
  const auto refuse = [&](bool given, const std::string& option, const char* what) {
    if (!given) return;
    throw usage_error(
        fmt::format("{}: {} is for {}, which this input is not", path.string(), option, what));
  };
  const bool layers = format == FileFormat::h5ad || format == FileFormat::loom;
  refuse(!options.layer.empty() && !layers, "--layer " + options.layer, ".h5ad and .loom files");
  refuse(!options.genome.empty() && format != FileFormat::tenx_h5, "--genome", "10x .h5 files");
  const bool table = format == FileFormat::table;
  refuse(!options.header && !table, "--no-header", "tables (.csv, .tsv, .txt)");
  refuse(!options.row_names && !table, "--no-row-names", "tables (.csv, .tsv, .txt)");
  refuse(options.orientation != Orientation::detect && is_hdf5(format), "--orientation",
         "tables, .mtx and .npz files");
}

Dataset read_any(const std::filesystem::path& path, FileFormat format, const ReadOptions& options,
                 const Callbacks& callbacks) {
  switch (format) {
    case FileFormat::folder:
      return read_matrix_market_folder(path, options, callbacks);
    case FileFormat::matrix_market:
      return read_matrix_market_file(path, options, callbacks);
    case FileFormat::table:
      return read_table(path, options, callbacks);
    case FileFormat::npz:
      return read_npz(path, options, callbacks);
#ifdef MASKCLASS_HAS_HDF5
    case FileFormat::h5ad:
      return read_h5ad(path, options, callbacks);
    case FileFormat::tenx_h5:
      return read_tenx_h5(path, options, callbacks);
    case FileFormat::loom:
      return read_loom(path, options, callbacks);
#endif
    default:
      if (is_hdf5(format)) refuse_hdf5(path);
      throw usage_error(fmt::format(
          "{}: counts are not read from this format; a .npy holds no names: give the .h5ad, .mtx, "
          "table or .npz that it was made from",
          path.string()));
  }
}

/// A transposed matrix would be denoised without complaint. Who says what the rows are is believed.
void check_not_swapped(const Dataset& dataset, const ReadOptions& options) {
  if (options.orientation != Orientation::detect) return;
  if (!names_are_swapped(dataset.cell_names, dataset.gene_names)) return;
  throw data_error(fmt::format(
      "{}: the cells have names of genes ('{}') and the genes names of cells ('{}'): the matrix is "
      "transposed; turn it round (in Python: adata.T), or pass --orientation for a table or .mtx",
      dataset.path, dataset.cell_names.front(), dataset.gene_names.front()));
}

}  // namespace

Dataset read_counts(const std::filesystem::path& path, const ReadOptions& options,
                    const Callbacks& callbacks) {
  const FileFormat format = detect_format(path);
  check_options(path, format, options);
  Dataset dataset = read_any(path, format, options, callbacks);
  dataset.format = format;
  log_repeated_names(dataset.gene_names, "gene", callbacks);
  log_repeated_names(dataset.cell_names, "cell", callbacks);
  // The .h5ad reader has looked already, and at other layers for advice.
  if (options.check_values) check_not_swapped(dataset, options);
  if (options.check_values && format != FileFormat::h5ad) {
    check_counts(dataset, options.allow_non_integer);
  }
  return dataset;
}

}  // namespace maskclass::io
