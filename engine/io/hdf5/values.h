#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/hdf5/handle.h"

namespace maskclass::io::hdf5 {

/// Room for `n` elements of an HDF5 type in memory. Strings of variable length are pointers there;
/// what HDF5 allocated for them is freed with the object.
class Values {
 public:
  Values(hid_t type, std::int64_t n, const std::string& where);
  ~Values();
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;

  void* data() { return bytes_.data(); }
  std::int64_t size() const { return n_; }
  std::size_t element_size() const { return element_size_; }
  const std::byte* element(std::int64_t k) const { return bytes_.data() + k * element_size_; }
  hid_t type() const { return type_.id(); }

  /// Every element as text; the type is one of strings, of fixed or variable length.
  void append_text(std::vector<std::string>& out) const;

 private:
  Handle type_;
  std::int64_t n_;
  std::size_t element_size_;
  std::vector<std::byte> bytes_;
};

}  // namespace maskclass::io::hdf5
