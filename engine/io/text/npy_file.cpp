#include "engine/io/text/npy_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <regex>
#include <vector>

#include "engine/error.h"

namespace maskclass::io {

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path) {
  read_header();
}

void NpyFile::refuse(const std::string& what) const {
  throw data_error(fmt::format("{}: {}", file_.name(), what));
}

void NpyFile::read_header() {
  if (file_.size() == 0) refuse("the file is empty");
  std::string start(std::min<std::int64_t>(file_.size(), 12), '\0');
  file_.read_at(0, start.data(), start.size());
  if (start.size() < 12 || !start.starts_with("\x93NUMPY")) refuse("is not a numpy file (.npy)");
  const auto byte = [&](int k) { return std::int64_t{static_cast<unsigned char>(start[k])}; };
  const bool version_1 = byte(6) == 1;
  const std::int64_t length = version_1
                                  ? byte(8) + (byte(9) << 8)
                                  : byte(8) + (byte(9) << 8) + (byte(10) << 16) + (byte(11) << 24);
  const std::int64_t before = version_1 ? 10 : 12;
  if (length > file_.size() - before) refuse("is truncated within its header");
  std::string dictionary(length, '\0');
  file_.read_at(before, dictionary.data(), dictionary.size());
  data_offset_ = before + length;
  read_shape(dictionary);
}

void NpyFile::read_shape(const std::string& dictionary) {
  if (dictionary.find("'<f4'") == std::string::npos &&
      dictionary.find("'<f8'") == std::string::npos) {
    refuse("must hold float32 or float64 numbers, little-endian: save it with astype('<f4')");
  }
  double_ = dictionary.find("'<f8'") != std::string::npos;
  if (dictionary.find("'fortran_order': False") == std::string::npos) {
    refuse("is stored by columns: save it with numpy.ascontiguousarray");
  }
  std::smatch shape;
  if (!std::regex_search(dictionary, shape,
                         std::regex(R"('shape': \(([0-9]{1,15}), ([0-9]{1,15})\))"))) {
    refuse("must have two dimensions, cells and genes");
  }
  n_rows_ = std::stoll(shape[1]);
  n_columns_ = std::stoll(shape[2]);
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
