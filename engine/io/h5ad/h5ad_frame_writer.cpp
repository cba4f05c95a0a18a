#include "engine/io/h5ad/h5ad_frame_writer.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/hdf5/copy.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

/// The newest anndata writes all text as values with a mask, which older ones do not know. Where
/// nothing is missing, the values alone say the same.
bool is_text_without_gaps(const hdf5::Node& column, const hdf5::Selection& rows) {
  const auto encoding = hdf5::text_attribute(column, "encoding-type");
  if (!encoding || encoding->size() != 1 || encoding->front() != "nullable-string-array") {
    return false;
  }
  const std::vector<std::int64_t> mask = hdf5::read_integers(hdf5::open(column, "mask"));
  for (std::int64_t k = 0; k < rows.size_of(std::ssize(mask)); ++k) {
    if (rows[k] >= std::ssize(mask) || mask[rows[k]] != 0) return false;
  }
  return true;
}

/// Rows of a dataset, or of a nullable column: a group of values and mask, both by rows.
void carry_plain(const hdf5::Node& source, const hdf5::Selection& rows, const hdf5::Node& parent,
                 const std::string& name) {
  if (!hdf5::is_group(source)) {
    complete_encoding(hdf5::copy_selected(source, rows, {}, parent, name));
    return;
  }
  const hdf5::Node values = hdf5::open(source, "values");
  if (is_text_without_gaps(source, rows)) {
    complete_encoding(hdf5::copy_selected(values, rows, {}, parent, name));
    return;
  }
  const hdf5::Node mask = hdf5::open(source, "mask");
  const hdf5::Node group = hdf5::create_group(parent, name);
  hdf5::copy_attributes(source, group);
  complete_encoding(hdf5::copy_selected(values, rows, {}, group, "values"));
  complete_encoding(hdf5::copy_selected(mask, rows, {}, group, "mask"));
}

/// Codes by rows, categories whole: a category that no row has any more stays one.
void carry_categorical(const Categorical& source, const hdf5::Selection& rows,
                       const hdf5::Node& parent, const std::string& name) {
  const hdf5::Node group = hdf5::create_group(parent, name);
  set_encoding(group, "categorical", "0.2.0");
  hdf5::set_attribute(group, "ordered", source.ordered);
  carry_plain(source.codes, rows, group, "codes");
  carry_plain(source.categories, {}, group, "categories");
}

}  // namespace

void carry_column(const hdf5::Node& source, const hdf5::Selection& rows, const hdf5::Node& parent,
                  const std::string& name) {
  if (const auto categorical = as_categorical(source)) {
    carry_categorical(*categorical, rows, parent, name);
  } else {
    carry_plain(source, rows, parent, name);
  }
}

FrameWriter::FrameWriter(const hdf5::Node& file, const std::string& name, const std::string& index,
                         std::span<const std::string> row_names)
    : group_(hdf5::create_group(file, name)), index_(index) {
  set_encoding(group_, "dataframe", "0.2.0");
  hdf5::set_attribute(group_, "_index", index);
  write_array(group_, index, row_names);
}

FrameWriter::FrameWriter(const hdf5::Node& file, const std::string& name, const Frame& source,
                         const hdf5::Selection& rows)
    : group_(hdf5::create_group(file, name)), index_(source.index) {
  set_encoding(group_, "dataframe", "0.2.0");
  hdf5::set_attribute(group_, "_index", index_);
  carry_column(hdf5::open(source.group, index_), rows, group_, index_);
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
void FrameWriter::add(const std::string& column, std::span<const std::int64_t> values) {
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

void FrameWriter::add_booleans(const std::string& column, std::span<const std::uint8_t> values,
                               std::span<const std::uint8_t> mask) {
  const hdf5::Node group = hdf5::create_group(group_, column);
  set_encoding(group, "nullable-boolean", "0.1.0");
  write_boolean_array(group, "values", values);
  write_boolean_array(group, "mask", mask);
  columns_.push_back(column);
}
void FrameWriter::add_categorical(const std::string& column, std::span<const std::int32_t> codes,
                                  std::span<const std::string> categories, bool ordered) {
  const hdf5::Node group = hdf5::create_group(group_, column);
  set_encoding(group, "categorical", "0.2.0");
  hdf5::set_attribute(group, "ordered", ordered);
  set_encoding(hdf5::write(group, "codes", codes), "array", "0.2.0");
  write_array(group, "categories", categories);
  columns_.push_back(column);
}

bool FrameWriter::carry(const Frame& source, const std::string& column,
                        const hdf5::Selection& rows) {
  try {
    carry_column(hdf5::open(source.group, column), rows, group_, column);
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
