#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/hdf5/copy.h"

namespace maskclass::io {

/// Carries a column (numbers, booleans, text, categories, values with a mask) over from another
/// file: rows `rows` of it, of whatever type it is.
void carry_column(const hdf5::Node& source, const hdf5::Selection& rows, const hdf5::Node& parent,
                  const std::string& name);

/// Writes one table (obs or var) of an .h5ad file. Columns are added in their order; one of a name
/// that is there already is an error of HDF5's. The caller holds a hdf5::Session.
class FrameWriter {
 public:
  /// `index` is the name of the dataset of row names ("_index" where they have no title).
  FrameWriter(const hdf5::Node& file, const std::string& name, const std::string& index,
              std::span<const std::string> row_names);

  /// Rows of a table of another file: its index is carried over with its type.
  FrameWriter(const hdf5::Node& file, const std::string& name, const Frame& source,
              const hdf5::Selection& rows);

  const hdf5::Node& group() const { return group_; }
  bool has(const std::string& column) const;

  void add(const std::string& column, std::span<const double> values);
  void add(const std::string& column, std::span<const float> values);
  void add(const std::string& column, std::span<const std::int64_t> values);
  void add(const std::string& column, std::span<const std::string> values);
  void add_booleans(const std::string& column, std::span<const std::uint8_t> values);

  /// Booleans of which some are missing: where `mask` is 1.
  void add_booleans(const std::string& column, std::span<const std::uint8_t> values,
                    std::span<const std::uint8_t> mask);
  /// categories[codes[k]]; missing where the code is -1.
  void add_categorical(const std::string& column, std::span<const std::int32_t> codes,
                       std::span<const std::string> categories, bool ordered);

  /// Carries a column over as carry_column does. Returns false, and leaves nothing behind, where
  /// the column is of no known kind or cannot be read.
  bool carry(const Frame& source, const std::string& column, const hdf5::Selection& rows);

  /// Writes the order of the columns.
  void finish();

 private:
  hdf5::Node group_;
  std::string index_;
  std::vector<std::string> columns_;
};

}  // namespace maskclass::io
