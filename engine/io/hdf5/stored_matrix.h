#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/io/hdf5/read.h"
#include "engine/matrix/csr.h"
#include "engine/progress.h"

/// Matrices of cells x genes in HDF5 files, in each storage that AnnData, 10x and Loom have. The
/// caller of every function holds a hdf5::Session.
namespace maskclass::io {

/// A matrix of cells x genes that is open, its values on disk.
struct StoredMatrix {
  enum class Storage { dense, dense_by_genes, csr, csc };
  Storage storage = Storage::dense;
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::string where;                 ///< For messages: file and matrix.
  hdf5::Node values;                 ///< Dense: [n_cells][n_genes], by genes the other way
                                     ///< round. Sparse: [n_nonzeros].
  hdf5::Node indices;                ///< Sparse: [n_nonzeros].
  hdf5::Node pointers;               ///< Sparse: [n_cells + 1] (csr), [n_genes + 1] (csc).
  std::vector<std::int64_t> indptr;  ///< The same in memory, after read_pointers.
};

/// Opens the dataset `name` below `parent`, of dense storage. Throws Error{data} where it has not
/// two dimensions, holds no numbers, or has more than 2^31 - 1 genes.
StoredMatrix open_dense_matrix(const hdf5::Node& parent, const std::string& name,
                               StoredMatrix::Storage storage);

/// Opens data, indices and indptr in `group`: by cells (csr) or by genes (csc). Throws Error{data}
/// where they are missing, do not fit each other or the extent, or hold no numbers.
StoredMatrix open_sparse_matrix(const hdf5::Node& group, StoredMatrix::Storage storage,
                                std::int64_t n_cells, std::int64_t n_genes);

/// Names for messages.
struct MatrixNames {
  const std::vector<std::string>& cells;
  const std::vector<std::string>& genes;
};

/// Checks the extent and reads matrix.indptr, which load and read_dense_rows need. Throws
/// Error{data} where the extent is not that of `names`, or the pointers do not start at 0, fall, or
/// do not end at the number of values.
void read_pointers(StoredMatrix& matrix, const MatrixNames& names);

/// Reads the whole matrix to compressed rows: genes sorted within a cell, zeros left out. Needs up
/// to 8 bytes a non-zero (dense or by genes: 16 for a while) and a block of a few MB. Throws
/// Error{data} that names the cell where a gene is out of range or stands twice, Error{cancelled}.
CsrMatrix load(const StoredMatrix& matrix, const MatrixNames& names, int n_threads,
               const Callbacks& callbacks);

/// Cells [first_cell, first_cell + n_cells) of a dense or csr matrix as dense rows,
/// out[n_cells][n_genes].
void read_dense_rows(const StoredMatrix& matrix, const MatrixNames& names, std::int64_t first_cell,
                     std::int64_t n_cells, float* out);

/// The first stored values, at most some millions: enough to see what kind of numbers they are.
std::vector<float> first_values(const StoredMatrix& matrix);

}  // namespace maskclass::io
