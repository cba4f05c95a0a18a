#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maskclass::io {

/// What stands at the head of numpy's .npy format (numpy.lib.format, versions 1 to 3).
struct NpyHeader {
  std::string type;  ///< "<f4", "<i8", "|S3", ...
  bool fortran_order = false;
  std::vector<std::int64_t> shape;  ///< Empty for a scalar.
  std::int64_t data_offset = 0;

  std::int64_t n_values() const;
};

/// Reads the header that `bytes`, the start of a file, begin with. Throws
/// Error{data} that begins with `name` where it is none, truncated or claims more values than the
/// largest number there is.
NpyHeader parse_npy_header(std::string_view bytes, const std::string& name);

}  // namespace maskclass::io
