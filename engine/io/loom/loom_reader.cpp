#include "engine/io/loom/loom_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <optional>
#include <vector>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/stored_matrix.h"
#include "engine/io/text/name_lists.h"

namespace maskclass::io {
namespace {

using Names = std::vector<std::string>;

std::string matrix_name(const hdf5::Node& file, const std::string& layer) {
  if (layer.empty()) return "matrix";
  if (hdf5::has(file, "layers/" + layer)) return "layers/" + layer;
  Names layers;
  if (hdf5::has(file, "layers")) layers = hdf5::child_names(hdf5::open(file, "layers"));
  throw data_error(
      fmt::format("{}: has no layer '{}'; its layers: {}", file.where, layer,
                  layers.empty() ? "none" : fmt::format("{}", fmt::join(layers, ", "))));
}

/// The first of `attributes` that is there, which must have `n` values.
std::optional<Names> attribute(const hdf5::Node& file, const std::string& group, std::int64_t n,
                               std::initializer_list<const char*> attributes) {
  for (const char* name : attributes) {
    if (!hdf5::has(file, fmt::format("{}/{}", group, name))) continue;
    const hdf5::Node node = hdf5::open(file, fmt::format("{}/{}", group, name));
    Names names = hdf5::read_as_text(node);
    if (static_cast<std::int64_t>(names.size()) == n) return names;
    throw data_error(
        fmt::format("{}: has {} values where the matrix has {}", node.where, names.size(), n));
  }
  return std::nullopt;
}

Names names_or_numbers(const hdf5::Node& file, const std::string& what, std::optional<Names> names,
                       std::int64_t n, const Callbacks& callbacks) {
  if (names) return std::move(*names);
  log_line(callbacks,
           fmt::format("{}: has no names of its {}s; they are numbered", file.where, what));
  return numbered_names(what, n);
}

Dataset read_open_loom(const std::filesystem::path& path, const ReadOptions& options,
                       const Callbacks& callbacks) {
  const hdf5::Node file = hdf5::open_file(path);
  Dataset dataset;
  dataset.path = path.string();
  dataset.matrix = matrix_name(file, options.layer);
  StoredMatrix matrix =
      open_dense_matrix(file, dataset.matrix, StoredMatrix::Storage::dense_by_genes);
  // Names first: they bound what a damaged extent may claim.
  dataset.cell_names = names_or_numbers(
      file, "cell",
      attribute(file, "col_attrs", matrix.n_cells, {"CellID", "obs_names", "barcodes"}),
      matrix.n_cells, callbacks);
  std::optional<Names> ids =
      attribute(file, "row_attrs", matrix.n_genes, {"Accession", "gene_ids"});
  std::optional<Names> symbols =
      attribute(file, "row_attrs", matrix.n_genes, {"Gene", "var_names", "gene_names"});
  if (symbols && ids) dataset.gene_ids = std::move(*ids);
  dataset.gene_names = names_or_numbers(file, "gene", symbols ? std::move(symbols) : std::move(ids),
                                        matrix.n_genes, callbacks);
  const MatrixNames names{dataset.cell_names, dataset.gene_names};
  read_pointers(matrix, names);
  dataset.counts = load(matrix, names, options.n_threads, callbacks);
  return dataset;
}

}  // namespace

Dataset read_loom(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks) {
  return hdf5::in_session(path.string(), [&] { return read_open_loom(path, options, callbacks); });
}

std::vector<std::string> read_loom_column(const std::filesystem::path& path,
                                          const std::string& column) {
  return hdf5::in_session(path.string(), [&] {
    const hdf5::Node file = hdf5::open_file(path);
    const hdf5::Node group = hdf5::open(file, "col_attrs");
    if (!hdf5::has(group, column)) {
      throw data_error(fmt::format("{}: has no column {}; its columns: {}", group.where, column,
                                   fmt::join(hdf5::child_names(group), ", ")));
    }
    return hdf5::read_as_text(hdf5::open(group, column));
  });
}

}  // namespace maskclass::io
