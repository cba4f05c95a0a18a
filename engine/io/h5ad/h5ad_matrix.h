#pragma once

#include <string>

#include "engine/io/hdf5/stored_matrix.h"

namespace maskclass::io {

/// Opens a matrix of an .h5ad file (X, raw/X, layers/<name>, obsm/<key>): csr_matrix, csc_matrix or
/// a dense array. Throws Error{data} where its storage is none of the three, it does not hold
/// numbers, its parts do not fit each other, or it has more than 2^31 - 1 genes.
StoredMatrix open_matrix(const hdf5::Node& file, const std::string& name);

/// The same for the group of a csr_matrix or csc_matrix.
StoredMatrix open_sparse_group(const hdf5::Node& group);

}  // namespace maskclass::io
