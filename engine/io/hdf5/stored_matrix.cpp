#include "engine/io/hdf5/stored_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "engine/io/csr_builder.h"
#include "engine/io/tidy_rows.h"

namespace maskclass::io {
namespace {

using Storage = StoredMatrix::Storage;

/// Values a block holds: large enough for full speed, small enough for the cache.
constexpr std::int64_t kBlockValues = std::int64_t{1} << 18;
/// Values a block may hold so that it ends where chunks do (12 bytes each while it is read).
constexpr std::int64_t kLargestBlockValues = std::int64_t{1} << 22;

bool is_sparse(const StoredMatrix& matrix) {
  return matrix.storage == Storage::csr || matrix.storage == Storage::csc;
}

/// Length of a block of rows: whole chunks, unless one row of chunks is too large.
std::int64_t block_rows(const hdf5::Node& dataset, std::int64_t values_per_row) {
  const std::int64_t width = std::max<std::int64_t>(1, values_per_row);
  const std::int64_t rows = std::max<std::int64_t>(1, kBlockValues / width);
  const std::int64_t chunk = hdf5::chunk_rows(dataset);
  if (chunk == 0 || chunk * width > kLargestBlockValues) return rows;
  return std::max(chunk, rows / chunk * chunk);
}

/// Calls work(first, n) for consecutive blocks of [0, total) and reports after each.
template <class Work>
void for_blocks(std::int64_t total, std::int64_t block, const char* unit,
                const Callbacks& callbacks, const Work& work) {
  for (std::int64_t first = 0; first < total; first += block) {
    const std::int64_t n = std::min(block, total - first);
    work(first, n);
    report_progress(callbacks, {"read", first + n, total, unit});
  }
}

CsrMatrix load_csr(const StoredMatrix& matrix, const Callbacks& callbacks) {
  CsrMatrix result = matrix_in_file(matrix.n_cells, matrix.n_genes);
  result.indptr = matrix.indptr;
  const std::int64_t n_nonzeros = matrix.indptr.back();
  result.indices.reserve(n_nonzeros);
  result.values.reserve(n_nonzeros);
  for_blocks(n_nonzeros, block_rows(matrix.values, 1), "values", callbacks,
             [&](std::int64_t first, std::int64_t n) {
               result.indices.resize(first + n);
               hdf5::read_indices(matrix.indices, first, n, result.indices.data() + first);
               result.values.resize(first + n);
               hdf5::read_floats(matrix.values, first, n, result.values.data() + first);
               give_back(result);
             });
  return result;
}

/// Walks the columns in blocks: work(position in the block, cell, gene).
class ColumnWalk {
 public:
  ColumnWalk(const StoredMatrix& matrix, const MatrixNames& names)
      : matrix_(matrix), names_(names) {}

  template <class Work>
  void block(std::int64_t first, std::int64_t n, const Work& work) {
    cells_.resize(n);
    hdf5::read_indices(matrix_.indices, first, n, cells_.data());
    for (std::int64_t k = 0; k < n; ++k) {
      while (first + k >= matrix_.indptr[gene_ + 1]) ++gene_;
      if (cells_[k] < 0 || cells_[k] >= matrix_.n_cells) {
        throw data_error(fmt::format("{}: gene {} has a value for cell number {}, but there are {}",
                                     matrix_.where, names_.genes[gene_], cells_[k],
                                     matrix_.n_cells));
      }
      work(k, cells_[k], gene_);
    }
  }

 private:
  const StoredMatrix& matrix_;
  const MatrixNames& names_;
  std::vector<std::int32_t> cells_;
  std::int64_t gene_ = 0;
};

/// Reads the indices twice, first to count each cell's values, then to put them in place: one copy
/// of the matrix is in memory, never two.
CsrMatrix load_csc(const StoredMatrix& matrix, const MatrixNames& names,
                   const Callbacks& callbacks) {
  const std::int64_t n_nonzeros = matrix.indptr.back();
  const std::int64_t block = block_rows(matrix.values, 1);
  CsrMatrix result = matrix_in_file(matrix.n_cells, matrix.n_genes);
  result.indptr.assign(matrix.n_cells + 1, 0);
  ColumnWalk counting(matrix, names);
  for_blocks(n_nonzeros, block, "indices", callbacks, [&](std::int64_t first, std::int64_t n) {
    counting.block(first, n, [&](std::int64_t, std::int32_t cell, std::int64_t) {
      ++result.indptr[cell + 1];
    });
  });
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    result.indptr[cell + 1] += result.indptr[cell];
  }
  result.indices.resize(n_nonzeros);
  result.values.resize(n_nonzeros);
  std::vector<std::int64_t> next(result.indptr.begin(), result.indptr.end() - 1);
  std::vector<float> values;
  ColumnWalk placing(matrix, names);
  for_blocks(n_nonzeros, block, "values", callbacks, [&](std::int64_t first, std::int64_t n) {
    values.resize(n);
    hdf5::read_floats(matrix.values, first, n, values.data());
    placing.block(first, n, [&](std::int64_t k, std::int32_t cell, std::int64_t gene) {
      const std::int64_t at = next[cell]++;
      result.indices[at] = static_cast<std::int32_t>(gene);
      result.values[at] = values[k];
    });
    give_back(result);
  });
  return result;
}

/// Makes room for `needed` values, and for as many as the whole matrix will have if the rest is
/// like the part seen: vectors that double would need 24 bytes a non-zero.
void reserve_like(CsrMatrix& matrix, std::size_t needed, double fraction_seen) {
  if (needed <= matrix.values.capacity()) return;
  const auto expected =
      static_cast<std::size_t>(1.02 * static_cast<double>(needed) / fraction_seen);
  matrix.indices.reserve(std::max(needed, expected));
  matrix.values.reserve(std::max(needed, expected));
}

/// Rows of the file, which are cells or genes, as the rows of the result.
CsrMatrix load_dense(const StoredMatrix& matrix, const Callbacks& callbacks) {
  const bool by_genes = matrix.storage == Storage::dense_by_genes;
  const std::int64_t n_rows = by_genes ? matrix.n_genes : matrix.n_cells;
  const std::int64_t n_columns = by_genes ? matrix.n_cells : matrix.n_genes;
  CsrMatrix result = matrix_in_file(n_rows, n_columns);
  result.indptr.reserve(n_rows + 1);
  std::vector<float> rows;
  const auto is_stored = [](float value) { return value != 0.0F; };
  for_blocks(n_rows, block_rows(matrix.values, n_columns), by_genes ? "genes" : "cells", callbacks,
             [&](std::int64_t first, std::int64_t n) {
               rows.resize(n * n_columns);
               hdf5::read_floats(matrix.values, first, n, rows.data());
               const auto stored = std::count_if(rows.begin(), rows.end(), is_stored);
               reserve_like(result, result.values.size() + stored,
                            static_cast<double>(first + n) / static_cast<double>(n_rows));
               for (std::int64_t row = 0; row < n; ++row) {
                 append_dense_row(std::span(rows).subspan(row * n_columns, n_columns), result);
               }
               give_back(result);
             });
  return result;
}

void check_contents(const StoredMatrix& matrix) {
  if (!hdf5::is_numeric(matrix.values)) {
    throw data_error(matrix.where + ": does not hold numbers");
  }
  const bool by_genes = matrix.storage == Storage::csc || matrix.storage == Storage::dense_by_genes;
  if (std::max(matrix.n_genes, by_genes ? matrix.n_cells : 0) >
      std::numeric_limits<std::int32_t>::max()) {
    throw data_error(matrix.where + ": is too large (more than 2147483647 genes)");
  }
}

}  // namespace

StoredMatrix open_dense_matrix(const hdf5::Node& parent, const std::string& name, Storage storage) {
  StoredMatrix matrix;
  matrix.storage = storage;
  matrix.values = hdf5::open_for_blocks(parent, name);
  matrix.where = matrix.values.where;
  const std::vector<std::int64_t> extent = hdf5::shape(matrix.values);
  if (extent.size() != 2) {
    throw data_error(
        fmt::format("{}: has {} dimensions where a matrix has 2", matrix.where, extent.size()));
  }
  const bool by_genes = storage == Storage::dense_by_genes;
  matrix.n_cells = extent[by_genes ? 1 : 0];
  matrix.n_genes = extent[by_genes ? 0 : 1];
  check_contents(matrix);
  return matrix;
}

StoredMatrix open_sparse_matrix(const hdf5::Node& group, Storage storage, std::int64_t n_cells,
                                std::int64_t n_genes) {
  StoredMatrix matrix;
  matrix.where = group.where;
  matrix.storage = storage;
  matrix.n_cells = n_cells;
  matrix.n_genes = n_genes;
  matrix.values = hdf5::open_for_blocks(group, "data");
  matrix.indices = hdf5::open_for_blocks(group, "indices");
  matrix.pointers = hdf5::open(group, "indptr");
  const std::int64_t n_rows = storage == Storage::csr ? n_cells : n_genes;
  if (hdf5::length(matrix.pointers) - 1 != n_rows) {
    throw data_error(fmt::format("{}: has {} entries; a matrix of {} cells x {} genes must have {}",
                                 matrix.pointers.where, hdf5::length(matrix.pointers), n_cells,
                                 n_genes, n_rows + 1));
  }
  if (hdf5::length(matrix.values) != hdf5::length(matrix.indices)) {
    throw data_error(fmt::format("{}: has {} values but {} indices; the file is damaged",
                                 matrix.where, hdf5::length(matrix.values),
                                 hdf5::length(matrix.indices)));
  }
  if (hdf5::type_class(matrix.indices) != H5T_INTEGER) {
    throw data_error(matrix.indices.where + ": does not hold whole numbers");
  }
  check_contents(matrix);
  return matrix;
}

void read_pointers(StoredMatrix& matrix, const MatrixNames& names) {
  const auto n_cells = static_cast<std::int64_t>(names.cells.size());
  const auto n_genes = static_cast<std::int64_t>(names.genes.size());
  if (matrix.n_cells != n_cells || matrix.n_genes != n_genes) {
    throw data_error(fmt::format("{}: is {} x {}, but the file names {} cells and {} genes",
                                 matrix.where, matrix.n_cells, matrix.n_genes, n_cells, n_genes));
  }
  if (!is_sparse(matrix)) return;
  matrix.indptr = hdf5::read_integers(matrix.pointers);
  const bool rows = matrix.storage == Storage::csr;
  const std::vector<std::string>& row_names = rows ? names.cells : names.genes;
  const std::int64_t n_values = hdf5::length(matrix.values);
  if (matrix.indptr.front() != 0) {
    throw data_error(fmt::format("{}/indptr: starts at {} where it must start at 0", matrix.where,
                                 matrix.indptr.front()));
  }
  for (std::size_t row = 0; row < row_names.size(); ++row) {
    if (matrix.indptr[row + 1] < matrix.indptr[row] || matrix.indptr[row + 1] > n_values) {
      throw data_error(
          fmt::format("{}/indptr: {} {} ends at {}, outside [{}, {}]; the file is damaged",
                      matrix.where, rows ? "cell" : "gene", row_names[row], matrix.indptr[row + 1],
                      matrix.indptr[row], n_values));
    }
  }
  if (matrix.indptr.back() != n_values) {
    throw data_error(fmt::format("{}/indptr: ends at {}, but there are {} values", matrix.where,
                                 matrix.indptr.back(), n_values));
  }
}

CsrMatrix load(const StoredMatrix& matrix, const MatrixNames& names, int n_threads,
               const Callbacks& callbacks) {
  CsrMatrix result;
  switch (matrix.storage) {
    case Storage::dense:
      return load_dense(matrix, callbacks);
    case Storage::dense_by_genes:
      return transpose(load_dense(matrix, callbacks));
    case Storage::csr:
      result = load_csr(matrix, callbacks);
      break;
    case Storage::csc:
      result = load_csc(matrix, names, callbacks);
      break;
  }
  const std::int64_t n_sorted =
      tidy_rows(result, matrix.where, names.cells, names.genes, n_threads);
  log_sorted(matrix.where, n_sorted, "cell", callbacks);
  return result;
}

void read_dense_rows(const StoredMatrix& matrix, const MatrixNames& names, std::int64_t first_cell,
                     std::int64_t n_cells, float* out) {
  if (matrix.storage == Storage::dense) {
    hdf5::read_floats(matrix.values, first_cell, n_cells, out);
    return;
  }
  const std::int64_t first = matrix.indptr[first_cell];
  const std::int64_t n = matrix.indptr[first_cell + n_cells] - first;
  std::vector<std::int32_t> genes(n);
  std::vector<float> values(n);
  hdf5::read_indices(matrix.indices, first, n, genes.data());
  hdf5::read_floats(matrix.values, first, n, values.data());
  std::fill_n(out, n_cells * matrix.n_genes, 0.0F);
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    for (std::int64_t k = matrix.indptr[cell]; k < matrix.indptr[cell + 1]; ++k) {
      const std::int32_t gene = genes[k - first];
      check_gene(gene, matrix.n_genes, matrix.where, names.cells[cell]);
      out[row * matrix.n_genes + gene] = values[k - first];
    }
  }
}

std::vector<float> first_values(const StoredMatrix& matrix) {
  const bool dense = !is_sparse(matrix);
  const std::vector<std::int64_t> extent = hdf5::shape(matrix.values);
  const std::int64_t width = dense ? extent[1] : 1;
  const std::int64_t n = std::min(block_rows(matrix.values, width), extent[0]);
  std::vector<float> values(n * width);
  hdf5::read_floats(matrix.values, 0, n, values.data());
  return values;
}

}  // namespace maskclass::io
