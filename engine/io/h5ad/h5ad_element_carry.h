#pragma once

#include <string>
#include <vector>

#include "engine/io/hdf5/copy.h"

namespace maskclass::io {

/// What of an element is carried over: rows of its first axis and, of matrices, columns.
struct Axes {
  hdf5::Selection rows;
  hdf5::Selection columns;

  bool are_all() const { return rows.is_all() && columns.is_all(); }
};

/// Copies an element of an .h5ad (an array, a sparse matrix, a table, a dict with all below it,
/// ...) to the new name `name` below `parent`, subset to `axes`. What is not subset is copied as it
/// is, but for the layouts of anndata 0.7, which become those of 0.8. Returns false, and leaves
/// nothing behind, where the element is damaged or of a kind that has no rows. Elements of a dict
/// are copied one by one, and the names of those that could not be are added to `left_out`. The
/// caller holds a hdf5::Session.
bool carry_element(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
                   const std::string& name, std::vector<std::string>& left_out);

}  // namespace maskclass::io
