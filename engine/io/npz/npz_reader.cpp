#include "engine/io/npz/npz_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/csr_builder.h"
#include "engine/io/npz/zip_archive.h"
#include "engine/io/text/name_lists.h"
#include "engine/io/text/npy_header.h"
#include "engine/io/tidy_rows.h"

namespace maskclass::io {
namespace {

/// One array of the archive, its bytes in memory.
class Array {
 public:
  Array(const ZipArchive& archive, const std::string& name)
      : where_(fmt::format("{}: {}", archive.name(), name)) {
    if (!archive.has(name + ".npy")) {
      throw data_error(fmt::format("{}: has no {}; only what scipy.sparse.save_npz writes is read",
                                   archive.name(), name));
    }
    bytes_ = archive.read(name + ".npy");
    header_ = parse_npy_header(bytes_, where_);
  }

  /// All values as `Value`, by `convert` from the widest type of their kind.
  template <typename Value, typename Convert>
  std::vector<Value> values(const Convert& convert) const {
    const std::string& type = header_.type;
    if (type == "<f4") return converted<float, Value>(convert);
    if (type == "<f8") return converted<double, Value>(convert);
    if (type == "<i4") return converted<std::int32_t, Value>(convert);
    if (type == "<i8") return converted<std::int64_t, Value>(convert);
    if (type == "<u4") return converted<std::uint32_t, Value>(convert);
    if (type == "<u8") return converted<std::uint64_t, Value>(convert);
    if (type == "<i2") return converted<std::int16_t, Value>(convert);
    if (type == "<u2") return converted<std::uint16_t, Value>(convert);
    if (type == "|i1") return converted<std::int8_t, Value>(convert);
    if (type == "|u1" || type == "|b1") return converted<std::uint8_t, Value>(convert);
    throw data_error(fmt::format("{}: holds values of type '{}', which is not read", where_, type));
  }

  /// A word, of bytes or of four-byte characters.
  std::string word() const {
    const bool wide = header_.type.starts_with("<U");
    std::string text;
    for (std::size_t k = header_.data_offset; k < bytes_.size(); k += wide ? 4 : 1) {
      if (bytes_[k] != '\0') text += bytes_[k];
    }
    return text;
  }

  const std::string& where() const { return where_; }

 private:
  template <typename Stored, typename Value, typename Convert>
  std::vector<Value> converted(const Convert& convert) const {
    const std::int64_t n = header_.n_values();
    const auto room = static_cast<std::int64_t>(bytes_.size()) - header_.data_offset;
    if (n > room / static_cast<std::int64_t>(sizeof(Stored))) {
      throw data_error(fmt::format("{}: is truncated: its header says {} values", where_, n));
    }
    std::vector<Value> result(n);
    const char* at = bytes_.data() + header_.data_offset;
    for (std::int64_t k = 0; k < n; ++k, at += sizeof(Stored)) {
      Stored stored;
      std::memcpy(&stored, at, sizeof stored);
      result[k] = convert(stored);
    }
    return result;
  }

  std::string where_;
  std::string bytes_;
  NpyHeader header_;
};

std::vector<float> floats(const ZipArchive& archive, const std::string& name) {
  return Array(archive, name).values<float>([](auto stored) {
    return to_float32(static_cast<double>(stored));
  });
}
std::vector<std::int64_t> integers(const ZipArchive& archive, const std::string& name) {
  return Array(archive, name).values<std::int64_t>([](auto stored) {
    return static_cast<std::int64_t>(stored);
  });
}
/// Those that int32 cannot hold become -1.
std::vector<std::int32_t> indices(const ZipArchive& archive, const std::string& name) {
  return Array(archive, name).values<std::int32_t>([](auto stored) {
    const auto wide = static_cast<std::int64_t>(stored);
    return wide == static_cast<std::int32_t>(wide) ? static_cast<std::int32_t>(wide) : -1;
  });
}

struct Shape {
  std::int64_t rows;
  std::int64_t columns;
};

Shape read_shape(const ZipArchive& archive) {
  const std::vector<std::int64_t> shape = integers(archive, "shape");
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  const auto fits = [](std::int64_t size) { return size > 0 && size <= largest; };
  if (shape.size() == 2 && fits(shape[0]) && fits(shape[1])) return {shape[0], shape[1]};
  throw data_error(archive.name() + ": shape: is not two sizes from 1 to 2^31 - 1");
}

void check_pointers(const std::string& file, const CsrMatrix& matrix) {
  const auto n_values = static_cast<std::int64_t>(matrix.values.size());
  const bool right = static_cast<std::int64_t>(matrix.indptr.size()) == matrix.n_cells + 1 &&
                     matrix.indptr.front() == 0 && matrix.indptr.back() == n_values &&
                     std::is_sorted(matrix.indptr.begin(), matrix.indptr.end()) &&
                     matrix.indices.size() == matrix.values.size();
  if (right) return;
  throw data_error(fmt::format(
      "{}: indptr, indices, data and shape do not fit each other; the file is damaged", file));
}

/// Compressed rows of what the file compresses: its rows, or its columns.
CsrMatrix read_compressed(const ZipArchive& archive, std::int64_t n_rows, std::int64_t n_columns) {
  CsrMatrix matrix = matrix_in_file(n_rows, n_columns);
  matrix.indptr = integers(archive, "indptr");
  const auto put = [](const auto& from, auto& to) { to.assign(from.begin(), from.end()); };
  put(indices(archive, "indices"), matrix.indices);
  put(floats(archive, "data"), matrix.values);
  give_back(matrix);
  check_pointers(archive.name(), matrix);
  return matrix;
}

CsrMatrix read_coordinates(const ZipArchive& archive, const Shape& shape) {
  const std::vector<std::int32_t> rows = indices(archive, "row");
  const std::vector<std::int32_t> columns = indices(archive, "col");
  const std::vector<float> values = floats(archive, "data");
  if (rows.size() != values.size() || columns.size() != values.size()) {
    throw data_error(archive.name() + ": row, col and data differ in length; the file is damaged");
  }
  CsrBuilder builder(shape.rows, shape.columns, static_cast<std::int64_t>(values.size()));
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (rows[k] < 0 || rows[k] >= shape.rows || columns[k] < 0 || columns[k] >= shape.columns) {
      throw data_error(fmt::format("{}: entry {} is at row {}, column {} of {} x {} (from 0)",
                                   archive.name(), k, rows[k], columns[k], shape.rows,
                                   shape.columns));
    }
    builder.append(rows[k], columns[k], values[k]);
  }
  // coo promises no order: nothing is told of it.
  if (const auto twice = builder.finish()) {
    throw data_error(
        fmt::format("{}: row {}, column {} (from 0) has two entries; sum the "
                    "duplicates first (scipy's sum_duplicates)",
                    archive.name(), twice->cell, twice->gene));
  }
  return builder.take();
}

/// The matrix by its rows, or by its columns where that is how it is stored.
struct Read {
  CsrMatrix matrix;
  bool by_columns;
};

Read read_matrix(const ZipArchive& archive, const Shape& shape) {
  const std::string format = Array(archive, "format").word();
  if (format == "csr") return {read_compressed(archive, shape.rows, shape.columns), false};
  if (format == "csc") return {read_compressed(archive, shape.columns, shape.rows), true};
  if (format == "coo") return {read_coordinates(archive, shape), false};
  throw data_error(
      fmt::format("{}: is stored as '{}'; csr, csc and coo can be read: save it with "
                  "matrix.tocsr()",
                  archive.name(), format.substr(0, 20)));
}

/// A header may claim any number of rows; names are made only of those that may be true.
void check_credible(const std::string& file, const Shape& shape, std::size_t n_values) {
  const std::int64_t credible = 1'000'000 + 10 * static_cast<std::int64_t>(n_values);
  if (std::max(shape.rows, shape.columns) <= credible) return;
  throw data_error(fmt::format("{}: {} x {} for {} values is not credible", file, shape.rows,
                               shape.columns, n_values));
}

}  // namespace

Dataset read_npz(const std::filesystem::path& path, const ReadOptions& options,
                 const Callbacks& callbacks) {
  const ZipArchive archive(path);
  const Shape shape = read_shape(archive);
  Read read = read_matrix(archive, shape);
  check_credible(archive.name(), shape, read.matrix.values.size());
  const bool genes_are_rows = options.orientation == Orientation::genes_are_rows;
  Dataset dataset;
  dataset.path = path.string();
  const std::int64_t n_cells = genes_are_rows ? shape.columns : shape.rows;
  const std::int64_t n_genes = genes_are_rows ? shape.rows : shape.columns;
  dataset.cell_names = names_beside(path, "cell", n_cells);
  dataset.gene_names = names_beside(path, "gene", n_genes);
  if (options.orientation == Orientation::detect) {
    log_line(callbacks,
             fmt::format("{}: read as cells x genes: {} cells, {} genes (else: --orientation "
                         "genes-are-rows)",
                         archive.name(), n_cells, n_genes));
  }
  const bool by_genes = read.by_columns != genes_are_rows;
  const std::int64_t n_sorted =
      tidy_rows(read.matrix, archive.name(), by_genes ? dataset.gene_names : dataset.cell_names,
                by_genes ? dataset.cell_names : dataset.gene_names, options.n_threads);
  log_sorted(archive.name(), n_sorted, by_genes ? "gene" : "cell", callbacks);
  dataset.counts = by_genes ? transpose(std::move(read.matrix)) : std::move(read.matrix);
  return dataset;
}

}  // namespace maskclass::io
