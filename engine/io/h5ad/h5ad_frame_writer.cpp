#include "engine/io/h5ad/h5ad_frame_writer.h"

#include <algorithm>
#include <numeric>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/h5ad/hdf5_copy.h"
#include "engine/io/h5ad/hdf5_write.h"

namespace maskclass::io {
namespace {

/// Files of anndata 0.7 do not say how a column is encoded; the column is copied as it is.
void complete_encoding(const hdf5::Node& column) {
  if (hdf5::has_attribute(column, "encoding-type")) return;
  set_encoding(column, hdf5::type_class(column) == H5T_STRING ? "string-array" : "array", "0.2.0");
}

/// Rows of a dataset, or of a nullable column: a group of values and mask, both by rows.
void carry_plain(const hdf5::Node& source, std::span<const std::int64_t> rows,
                 const hdf5::Node& parent, const std::string& name) {
  if (!hdf5::is_group(source)) {
    complete_encoding(hdf5::copy_rows(source, rows, parent, name));
    return;
  }
  const hdf5::Node values = hdf5::open(source, "values");
  const hdf5::Node mask = hdf5::open(source, "mask");
  const hdf5::Node group = hdf5::create_group(parent, name);
  hdf5::copy_attributes(source, group);
  complete_encoding(hdf5::copy_rows(values, rows, group, "values"));
  complete_encoding(hdf5::copy_rows(mask, rows, group, "mask"));
}

std::vector<std::int64_t> all_rows(const hdf5::Node& column) {
  const std::int64_t n =
      hdf5::is_group(column) ? hdf5::length(hdf5::open(column, "values")) : hdf5::length(column);
  std::vector<std::int64_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

/// Codes by rows, categories whole: a category that no row has any more stays one.
void carry_categorical(const Categorical& source, std::span<const std::int64_t> rows,
                       const hdf5::Node& parent, const std::string& name) {
  const hdf5::Node group = hdf5::create_group(parent, name);
  set_encoding(group, "categorical", "0.2.0");
  hdf5::set_attribute(group, "ordered", source.ordered);
  carry_plain(source.codes, rows, group, "codes");
  carry_plain(source.categories, all_rows(source.categories), group, "categories");
}

void carry_any(const hdf5::Node& source, std::span<const std::int64_t> rows,
               const hdf5::Node& parent, const std::string& name) {
  if (const auto categorical = as_categorical(source)) {
    carry_categorical(*categorical, rows, parent, name);
  } else {
    carry_plain(source, rows, parent, name);
  }
}

}  // namespace

FrameWriter::FrameWriter(const hdf5::Node& file, const std::string& name, const std::string& index,
                         std::span<const std::string> row_names)
    : group_(hdf5::create_group(file, name)), index_(index) {
  set_encoding(group_, "dataframe", "0.2.0");
  hdf5::set_attribute(group_, "_index", index);
  write_array(group_, index, row_names);
}

bool FrameWriter::has(const std::string& column) const {
  return column == index_ || std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

void FrameWriter::add(const std::string& column, std::span<const double> values) {
  write_array(group_, column, values);
  columns_.push_back(column);
}
void FrameWriter::add(const std::string& column, std::span<const float> values) {
  write_array(group_, column, values);
  columns_.push_back(column);
}
void FrameWriter::add(const std::string& column, std::span<const std::string> values) {
  write_array(group_, column, values);
  columns_.push_back(column);
}
void FrameWriter::add_booleans(const std::string& column, std::span<const std::uint8_t> values) {
  write_boolean_array(group_, column, values);
  columns_.push_back(column);
}

bool FrameWriter::carry(const Frame& source, const std::string& column,
                        std::span<const std::int64_t> rows) {
  try {
    carry_any(hdf5::open(source.group, column), rows, group_, column);
  } catch (const Error&) {
    hdf5::remove(group_, column);
    return false;
  }
  columns_.push_back(column);
  return true;
}

void FrameWriter::finish() {
  hdf5::set_attribute(group_, "column-order", std::span<const std::string>(columns_));
}

}  // namespace maskclass::io
