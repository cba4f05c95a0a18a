#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/io/h5ad/hdf5_handle.h"

/// Copying from one HDF5 file to another whatever the values are: they keep their type and need
/// not be understood. Every function throws Error{data} that names the file and the object. The
/// caller holds a Session.
namespace maskclass::io::hdf5 {

/// Copies rows of a dataset to the new dataset `name` below `parent`, with its attributes. Throws
/// for a dataset without rows (a scalar), for one that refers to other objects, and for rows beyond
/// its end.
Node copy_rows(const Node& dataset, std::span<const std::int64_t> rows, const Node& parent,
               const std::string& name);

/// Copies all attributes but those that refer to other objects.
void copy_attributes(const Node& from, const Node& to);

}  // namespace maskclass::io::hdf5
