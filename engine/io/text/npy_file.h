#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/io/text/byte_source.h"

namespace maskclass::io {

/// A matrix in numpy's format: float32 or float64, little-endian, C order, two dimensions. Throws
/// Error{data} that names the file and what is wrong where it is anything else or truncated.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path);
  std::int64_t n_rows() const { return n_rows_; }
  std::int64_t n_columns() const { return n_columns_; }
  /// Rows [first_row, first_row + n_rows) to out[n_rows][n_columns].
  void read(std::int64_t first_row, std::int64_t n_rows, float* out) const;

 private:
  void read_header();
  [[noreturn]] void refuse(const std::string& what) const;

  InputFile file_;
  std::int64_t n_rows_ = 0;
  std::int64_t n_columns_ = 0;
  std::int64_t data_offset_ = 0;
  bool double_ = false;
};

}  // namespace maskclass::io
