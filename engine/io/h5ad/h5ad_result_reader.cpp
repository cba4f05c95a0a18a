#include "engine/io/h5ad/h5ad_result_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_matrix.h"

namespace maskclass::io {
namespace {

std::vector<std::string> numbered(std::int64_t n) {
  std::vector<std::string> names;
  for (std::int64_t k = 0; k < n; ++k) names.push_back(std::to_string(k));
  return names;
}

/// "X", "obsm/X_maskclass", "layers/maskclass": what a message offers to choose from.
std::string matrices_of(const hdf5::Node& file) {
  std::vector<std::string> names;
  for (const char* name : {"X", "raw/X"}) {
    if (hdf5::has(file, name)) names.emplace_back(name);
  }
  for (const std::string group : {"layers", "obsm"}) {
    if (!hdf5::has(file, group)) continue;
    for (const std::string& name : hdf5::child_names(hdf5::open(file, group))) {
      names.push_back(fmt::format("{}/{}", group, name));
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

class H5adResultReader : public ResultReader {
 public:
  H5adResultReader(const std::filesystem::path& path, const std::string& name)
      : file_(hdf5::open_file(path)) {
    if (!hdf5::has(file_, name)) {
      throw data_error(
          fmt::format("{}: has no {}; its matrices: {}", file_.where, name, matrices_of(file_)));
    }
    matrix_ = open_matrix(file_, name);
    cell_names_ = row_names(open_frame(file_, "obs"));
    if (name.starts_with("obsm/")) {
      gene_names_ = numbered(matrix_.n_genes);
    } else {
      gene_names_ = row_names(open_frame(file_, name == "raw/X" ? "raw/var" : "var"));
    }
    read_pointers(matrix_, {cell_names_, gene_names_});
    if (matrix_.storage == StoredMatrix::Storage::csc) {
      rows_ = load(matrix_, {cell_names_, gene_names_}, 1, {});
    }
  }

  const std::vector<std::string>& cell_names() const override { return cell_names_; }
  const std::vector<std::string>& gene_names() const override { return gene_names_; }

  void read(std::int64_t first_cell, std::int64_t n_cells, float* out) override {
    const hdf5::Session session;
    if (first_cell < 0 || n_cells < 0 || first_cell + n_cells > matrix_.n_cells) {
      throw data_error(fmt::format("{}: has no cells {} to {}", matrix_.where, first_cell,
                                   first_cell + n_cells));
    }
    if (matrix_.storage == StoredMatrix::Storage::csc) {
      read_loaded(first_cell, n_cells, out);
    } else {
      read_dense_rows(matrix_, {cell_names_, gene_names_}, first_cell, n_cells, out);
    }
  }

 private:
  void read_loaded(std::int64_t first_cell, std::int64_t n_cells, float* out) const {
    const CsrView rows = rows_.view();
    std::fill_n(out, n_cells * rows.n_genes, 0.0F);
    for (std::int64_t row = 0; row < n_cells; ++row) {
      const auto genes = rows.row_indices(first_cell + row);
      const auto values = rows.row_values(first_cell + row);
      for (std::size_t k = 0; k < genes.size(); ++k) out[row * rows.n_genes + genes[k]] = values[k];
    }
  }

  hdf5::Node file_;
  StoredMatrix matrix_;
  std::vector<std::string> cell_names_;
  std::vector<std::string> gene_names_;
  CsrMatrix rows_;  ///< Where the matrix is stored by genes.
};

hdf5::Node open_column(const hdf5::Node& file, const std::string& table,
                       const std::string& column) {
  const Frame frame = open_frame(file, table);
  if (!frame.has_column(column) && column != frame.index) {
    throw data_error(fmt::format("{}: has no column {}; its columns: {}", frame.group.where, column,
                                 fmt::join(frame.columns, ", ")));
  }
  return hdf5::open(frame.group, column);
}

}  // namespace

std::unique_ptr<ResultReader> open_h5ad_result(const std::filesystem::path& path,
                                               const std::string& name) {
  return hdf5::in_session(path.string(),
                          [&] { return std::make_unique<H5adResultReader>(path, name); });
}

std::vector<std::string> read_h5ad_column(const std::filesystem::path& path,
                                          const std::string& table, const std::string& column) {
  return hdf5::in_session(path.string(), [&] {
    return text_column(open_column(hdf5::open_file(path), table, column));
  });
}

std::vector<double> read_h5ad_numbers(const std::filesystem::path& path, const std::string& table,
                                      const std::string& column) {
  return hdf5::in_session(path.string(), [&] {
    return number_column(open_column(hdf5::open_file(path), table, column));
  });
}

std::optional<std::string> read_h5ad_parameter(const std::filesystem::path& path,
                                               const std::string& name) {
  return hdf5::in_session(path.string(), [&]() -> std::optional<std::string> {
    const hdf5::Node file = hdf5::open_file(path);
    const std::string full = "uns/maskclass/" + name;
    if (!hdf5::has(file, full)) return std::nullopt;
    return hdf5::read_scalar_text(hdf5::open(file, full));
  });
}

}  // namespace maskclass::io
