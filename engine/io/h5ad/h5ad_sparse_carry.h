#pragma once

#include <string>

#include "engine/io/hdf5/copy.h"

namespace maskclass::io {

/// Copies rows and columns of a sparse matrix of an .h5ad (csr or csc, values of any type) to the
/// new group `name` below `parent`, in blocks. Throws Error{data} that names the object where the
/// matrix is damaged or too small. The caller holds a hdf5::Session.
void carry_sparse(const hdf5::Node& source, const hdf5::Selection& rows,
                  const hdf5::Selection& columns, const hdf5::Node& parent,
                  const std::string& name);

}  // namespace maskclass::io
