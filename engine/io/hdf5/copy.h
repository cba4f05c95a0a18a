#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/io/hdf5/handle.h"

/// Copying from one HDF5 file to another whatever the values are: they keep their type and need
/// not be understood. Every function throws Error{data} that names the file and the object. The
/// caller holds a Session.
namespace maskclass::io::hdf5 {

/// Some of the rows (or columns, genes, ...) of an object, ascending; or all of them.
class Selection {
 public:
  Selection() = default;  ///< All.
  explicit Selection(std::span<const std::int64_t> kept) : is_all_(false), kept_(kept) {}

  bool is_all() const { return is_all_; }
  /// How many of `n` are kept.
  std::int64_t size_of(std::int64_t n) const { return is_all_ ? n : std::ssize(kept_); }
  /// The k-th that is kept.
  std::int64_t operator[](std::int64_t k) const { return is_all_ ? k : kept_[k]; }

 private:
  bool is_all_ = true;
  std::span<const std::int64_t> kept_;
};

/// Copies the object `source` as it is, with all below it, to the new name `name` below `parent`.
void copy_object(const Node& source, const Node& parent, const std::string& name);

/// Copies rows (and columns) of a dataset to the new dataset `name` below `parent`, with its
/// attributes, its chunks and its compression, in blocks of some MB. Throws for a dataset without
/// rows (a scalar) or, where columns are chosen, without columns; for one that refers to other
/// objects; and for rows or columns beyond its end.
Node copy_selected(const Node& dataset, const Selection& rows, const Selection& columns,
                   const Node& parent, const std::string& name);

/// A new dataset of the type, the chunks and the compression of `source`, and of another extent;
/// chunks where there is something to hold. Without attributes, yet to be written.
Node create_like(const Node& source, const std::vector<std::int64_t>& extent, const Node& parent,
                 const std::string& name);

/// Copies all attributes but those that refer to other objects and those that `target` has.
void copy_attributes(const Node& from, const Node& to);

}  // namespace maskclass::io::hdf5
