#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/hdf5/read.h"

/// The tables of an .h5ad file (obs, var, raw/var), as AnnData has written them since 0.7: a group
/// with a dataset of names and a dataset or group for each column.
namespace maskclass::io {

struct Frame {
  hdf5::Node group;
  std::string index;                 ///< The dataset that holds the names of the rows.
  std::vector<std::string> columns;  ///< In the order that their author chose; all exist.

  bool has_column(const std::string& name) const;
};

/// Opens the table `name` of a file. Throws Error{data} where it is missing, has no index, or is
/// the compound dataset of AnnData before 0.7.
Frame open_frame(const hdf5::Node& file, const std::string& name);

/// The same of a group that is open.
Frame as_frame(const hdf5::Node& group);

/// Names of the rows (cells of obs, genes of var).
std::vector<std::string> row_names(const Frame& frame);

/// A column of categories: AnnData 0.8 has a group, 0.7 a dataset of codes that refers to another
/// of categories.
struct Categorical {
  hdf5::Node codes;       ///< [n_rows], integers; -1 where a value is missing.
  hdf5::Node categories;  ///< What the codes count.
  bool ordered = false;
};
std::optional<Categorical> as_categorical(const hdf5::Node& column);

/// Values of a column as text: strings, the names of categories, numbers in their shortest exact
/// form, "True" and "False"; "" where a value is missing. Throws Error{data} for other types.
std::vector<std::string> text_column(const hdf5::Node& column);

/// Values of a column of numbers or booleans; NaN where a value is missing. Categories count as
/// numbers where they are. Throws Error{data} where they are text.
std::vector<double> number_column(const hdf5::Node& column);

}  // namespace maskclass::io
