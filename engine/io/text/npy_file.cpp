#include "engine/io/text/npy_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "engine/error.h"
#include "engine/io/text/npy_header.h"

namespace maskclass::io {

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path) {
  read_header();
}

void NpyFile::refuse(const std::string& what) const {
  throw data_error(fmt::format("{}: {}", file_.name(), what));
}

void NpyFile::read_header() {
  if (file_.size() == 0) refuse("the file is empty");
  constexpr std::int64_t longest_header = 1 << 16;
  std::string start(std::min(file_.size(), longest_header), '\0');
  file_.read_at(0, start.data(), start.size());
  const NpyHeader header = parse_npy_header(start, file_.name());
  if (header.type != "<f4" && header.type != "<f8") {
    refuse("must hold float32 or float64 numbers, little-endian: save it with astype('<f4')");
  }
  if (header.shape.size() != 2) refuse("must have two dimensions, cells and genes");
  if (header.fortran_order) {
    refuse("is stored by columns: save it with numpy.ascontiguousarray");
  }
  data_offset_ = header.data_offset;
  double_ = header.type == "<f8";
  n_rows_ = header.shape[0];
  n_columns_ = header.shape[1];
  if (n_rows_ == 0 || n_columns_ == 0) refuse("holds no values");
  const std::int64_t room = (file_.size() - data_offset_) / (double_ ? 8 : 4);
  if (n_rows_ > room / n_columns_) {
    refuse(fmt::format("is truncated: its header says {} x {}", n_rows_, n_columns_));
  }
}

void NpyFile::read(std::int64_t first_row, std::int64_t n_rows, float* out) const {
  const std::int64_t first = first_row * n_columns_;
  const std::int64_t n_values = n_rows * n_columns_;
  if (!double_) {
    return file_.read_at(data_offset_ + 4 * first, reinterpret_cast<char*>(out), 4 * n_values);
  }
  std::vector<double> values(n_values);
  file_.read_at(data_offset_ + 8 * first, reinterpret_cast<char*>(values.data()), 8 * n_values);
  std::transform(values.begin(), values.end(), out, [](double x) { return static_cast<float>(x); });
}

}  // namespace maskclass::io
