#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/io/h5ad/h5ad_frame_writer.h"

namespace maskclass::io {

/// What values of a column are, where columns of several files become one.
enum class ColumnKind { booleans, whole_numbers, numbers, text };

/// Throws Error{data} for a column of another kind (a table, a record).
ColumnKind kind_of_column(const hdf5::Node& column);

/// What holds the values of both: numbers for whole and other numbers, else text for unlike kinds.
ColumnKind common_kind(ColumnKind one, ColumnKind other);

/// Columns of several tables below each other. Text is kept as categories: those of the first
/// column in their order, then what others add.
class JoinedColumn {
 public:
  /// Of `n_rows` values, all missing yet. `kind` must be common to all that is put in.
  JoinedColumn(ColumnKind kind, std::int64_t n_rows);

  /// Puts the values of `column` into rows first, first + 1, ... Throws Error{data} where it cannot
  /// be read or has not `n` rows.
  void put(const hdf5::Node& column, std::int64_t first, std::int64_t n);

  /// Writes rows `rows`, ascending, as the column `name`.
  void write(const std::vector<std::int64_t>& rows, const std::string& name,
             FrameWriter& target) const;

 private:
  void put_numbers(const hdf5::Node& column, std::int64_t first, std::int64_t n);
  void put_categories(const Categorical& column, std::int64_t first, std::int64_t n);
  void put_text(const hdf5::Node& column, std::int64_t first, std::int64_t n);
  std::int32_t code_of(const std::string& category);

  ColumnKind kind_;
  std::vector<double> numbers_;      ///< [n_rows], or empty of text: NaN where missing.
  std::vector<std::int32_t> codes_;  ///< [n_rows], or empty of numbers: -1 where missing.
  std::vector<std::string> categories_;
  std::unordered_map<std::string, std::int32_t> known_;
  int n_put_ = 0;
  bool plain_ = true;    ///< No column that was put in has categories.
  bool ordered_ = true;  ///< All have, ordered ones and the same.
};

}  // namespace maskclass::io
