#include "engine/io/denoised_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "engine/error.h"
#include "engine/io/file_format.h"
#ifdef MASKCLASS_HAS_HDF5
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_result_reader.h"
#endif

namespace maskclass::io {
namespace {

std::string full_name(const std::string& layer) {
  const bool is_whole = layer == "X" || layer.find('/') != std::string::npos;
  return is_whole ? layer : "layers/" + layer;
}

/// A column of numbers of an .h5ad, or nothing where the table has none of that name.
std::optional<std::vector<double>> find_numbers([[maybe_unused]] const std::string& path,
                                                [[maybe_unused]] const std::string& table,
                                                [[maybe_unused]] const std::string& column) {
#ifdef MASKCLASS_HAS_HDF5
  const hdf5::Session session;
  if (!open_frame(hdf5::open_file(path), table).has_column(column)) return {};
  return read_h5ad_numbers(path, table, column);
#else
  return {};
#endif
}

/// Empty where var has no such column.
std::vector<std::string> find_gene_ids([[maybe_unused]] const std::string& path) {
#ifdef MASKCLASS_HAS_HDF5
  const hdf5::Session session;
  if (open_frame(hdf5::open_file(path), "var").has_column("gene_ids")) {
    return read_h5ad_column(path, "var", "gene_ids");
  }
#endif
  return {};
}

std::optional<std::string> find_parameter([[maybe_unused]] const std::string& path,
                                          [[maybe_unused]] const std::string& name) {
#ifdef MASKCLASS_HAS_HDF5
  return read_h5ad_parameter(path, name);
#else
  return {};
#endif
}

std::vector<std::int64_t> denoised_columns(const std::string& path, bool is_h5ad,
                                           std::size_t n_genes) {
  std::optional<std::vector<double>> denoised;
  if (is_h5ad) denoised = find_numbers(path, "var", "maskclass_denoised");
  std::vector<std::int64_t> columns;
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    if (!denoised || (*denoised)[gene] == 1) columns.push_back(static_cast<std::int64_t>(gene));
  }
  return columns;
}

}  // namespace

DenoisedFile::DenoisedFile(const std::filesystem::path& path, const std::string& layer)
    : path_(path.string()),
      is_h5ad_(format_by_name(path) == FileFormat::h5ad),
      values_(open_result(path, full_name(layer))) {
  const std::vector<std::string>& names = values_->gene_names();
  // Components and other matrices of obsm have columns that are no genes.
  const bool holds_genes = is_h5ad_ && !full_name(layer).starts_with("obsm/");
  columns_ = denoised_columns(path_, holds_genes, names.size());
  if (columns_.empty()) throw data_error(path_ + ": no gene of it was denoised");
  for (const std::int64_t column : columns_) gene_names_.push_back(names[column]);
  const std::vector<std::string> ids =
      holds_genes ? find_gene_ids(path_) : std::vector<std::string>();
  if (ids.size() != names.size()) return;
  for (const std::int64_t column : columns_) gene_ids_.push_back(ids[column]);
}

CellBlocks DenoisedFile::blocks_of(const std::shared_ptr<ResultReader>& reader) const {
  const auto n_genes = static_cast<std::int64_t>(columns_.size());
  const auto width = static_cast<std::int64_t>(reader->gene_names().size());
  const auto read = [reader, columns = columns_, path = path_, n_genes, width](
                        std::int64_t first, std::int64_t n_cells, float* out) {
    const std::int64_t step = cells_a_block(width);
    std::vector<float> rows(std::min(step, n_cells) * width);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
      const std::int64_t row = cell % step;
      if (row == 0) reader->read(first + cell, std::min(step, n_cells - cell), rows.data());
      for (std::int64_t gene = 0; gene < n_genes; ++gene) {
        const float value = rows[row * width + columns[gene]];
        if (!std::isfinite(value)) {
          throw data_error(fmt::format("{}: cell '{}', gene '{}': {} is no denoised value", path,
                                       reader->cell_names()[first + cell],
                                       reader->gene_names()[columns[gene]], value));
        }
        out[cell * n_genes + gene] = value;
      }
    }
  };
  return {static_cast<std::int64_t>(reader->cell_names().size()), n_genes, read};
}

CellBlocks DenoisedFile::values() const {
  return blocks_of(values_);
}

CellBlocks DenoisedFile::layer(const std::string& name) const {
  if (!is_h5ad_) {
    throw usage_error(path_ + ": holds one matrix only; the layer " + name + " needs an .h5ad");
  }
  return blocks_of(open_result(path_, full_name(name)));
}

std::optional<std::vector<double>> DenoisedFile::library_sizes() const {
  if (!is_h5ad_) return {};
  return find_numbers(path_, "obs", "maskclass_library_size");
}

std::vector<std::string> DenoisedFile::cell_column(const std::string& name) const {
#ifdef MASKCLASS_HAS_HDF5
  if (is_h5ad_) return read_h5ad_column(path_, "obs", name);
#endif
  throw usage_error(path_ + ": has no columns about its cells; give a table of them with --labels");
}

std::optional<int> DenoisedFile::min_cells() const {
  if (!is_h5ad_) return {};
  const std::optional<std::string> text = find_parameter(path_, "min_cells");
  if (!text) return {};
  const char* const text_end = text->data() + text->size();
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text_end, value);
  if (error != std::errc() || end != text_end || value < 0) {
    throw data_error(fmt::format("{}: uns/maskclass/min_cells is '{}'; it must be a whole number",
                                 path_, *text));
  }
  return value;
}

}  // namespace maskclass::io
