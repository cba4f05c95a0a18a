#include "engine/io/result_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_result_reader.h"
#include "engine/io/hdf5/trial.h"
#include "engine/io/text/matrix_market_reader.h"
#include "engine/io/text/name_lists.h"
#include "engine/io/text/npy_file.h"
#include "engine/io/text/table_reader.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;

void check_range(std::int64_t first, std::int64_t n, std::size_t n_cells) {
  if (first < 0 || n < 0 || first > static_cast<std::int64_t>(n_cells) - n) {
    throw std::out_of_range("ResultReader::read: no such cells");
  }
}

/// A text file, held in memory as its non-zeros.
class SparseResult : public ResultReader {
 public:
  explicit SparseResult(Dataset dataset) : dataset_(std::move(dataset)) {}
  const std::vector<std::string>& cell_names() const override { return dataset_.cell_names; }
  const std::vector<std::string>& gene_names() const override { return dataset_.gene_names; }

  void read(std::int64_t first_cell, std::int64_t n_cells, float* out) override {
    check_range(first_cell, n_cells, dataset_.cell_names.size());
    const CsrView matrix = dataset_.counts.view();
    std::fill_n(out, n_cells * matrix.n_genes, 0.0f);
    for (std::int64_t row = 0; row < n_cells; ++row) {
      const auto genes = matrix.row_indices(first_cell + row);
      const auto values = matrix.row_values(first_cell + row);
      for (std::size_t k = 0; k < genes.size(); ++k) {
        out[row * matrix.n_genes + genes[k]] = values[k];
      }
    }
  }

 private:
  Dataset dataset_;
};

class NpyResult : public ResultReader {
 public:
  explicit NpyResult(const fs::path& path)
      : file_(path),
        cell_names_(names_beside(path, "cell", file_.n_rows())),
        gene_names_(names_beside(path, "gene", file_.n_columns())) {}
  const std::vector<std::string>& cell_names() const override { return cell_names_; }
  const std::vector<std::string>& gene_names() const override { return gene_names_; }

  void read(std::int64_t first_cell, std::int64_t n_cells, float* out) override {
    check_range(first_cell, n_cells, cell_names_.size());
    file_.read(first_cell, n_cells, out);
  }

 private:
  NpyFile file_;
  std::vector<std::string> cell_names_;
  std::vector<std::string> gene_names_;
};

/// What an .h5ad calls a matrix, and the file of a result folder that holds the same.
std::string file_stem(const std::string& name) {
  constexpr std::array<std::pair<const char*, const char*>, 8> same = {
      {{"X", "matrix"},
       {"layers/maskclass", "log2"},
       {"layers/denoised", "counts"},
       {"layers/biozero", "biozero"},
       {"layers/maskclass_sd", "sd"},
       {"layers/maskclass_q05", "q05"},
       {"layers/maskclass_q95", "q95"},
       {"obsm/X_maskclass", "latent"}}};
  for (const auto& [matrix, stem] : same) {
    if (name == matrix) return stem;
  }
  return name;
}

Dataset read_file(const fs::path& path) {
  ReadOptions options;
  if (format_by_name(path) == FileFormat::matrix_market) {
    return read_matrix_market_file(path, options, {});
  }
  return read_table(path, options, {});
}

/// A folder of results (a 10x directory a matrix, and latent.tsv), or one 10x directory, where
/// there is nothing to choose from.
Dataset read_from_folder(const fs::path& folder, const std::string& name) {
  if (plain_or_gzip(folder / "matrix.mtx")) return read_matrix_market_folder(folder, {}, {});
  const std::string stem = name.empty() ? "log2" : file_stem(name);
  // A name with a folder in it must not lead out of this one.
  if (stem.find('/') == std::string::npos) {
    if (fs::is_directory(folder / stem)) return read_matrix_market_folder(folder / stem, {}, {});
    if (const auto table = plain_or_gzip(folder / (stem + ".tsv"))) return read_file(*table);
  }
  throw data_error(fmt::format("{}: the folder has neither a matrix.mtx (or .gz) nor a folder {}",
                               folder.string(), stem));
}

}  // namespace

std::unique_ptr<ResultReader> open_result(const fs::path& path, const std::string& name) {
  require_input(path);
  if (fs::is_directory(path)) {
    return std::make_unique<SparseResult>(read_from_folder(path, name));
  }
  switch (format_by_name(path)) {
    case FileFormat::h5ad:
#ifdef MASKCLASS_HAS_HDF5
      hdf5::survive_opening(path);
      return open_h5ad_result(path, name);
#else
      refuse_hdf5(path);
#endif
    case FileFormat::npy:
      return std::make_unique<NpyResult>(path);
    case FileFormat::matrix_market:
    case FileFormat::table:
      return std::make_unique<SparseResult>(read_file(path));
    default:
      throw usage_error(fmt::format(
          "{}: a matrix is read from .h5ad, .npy, .mtx[.gz], .csv[.gz], .tsv[.gz] or a folder of "
          "Matrix Market files, and the name has none of these endings",
          path.string()));
  }
}

}  // namespace maskclass::io
