#include "engine/io/hdf5/values.h"

#include <cstring>

namespace maskclass::io::hdf5 {
namespace {

/// Whether elements may point to memory of HDF5's own.
bool owns_memory(hid_t type) {
  return H5Tis_variable_str(type) > 0 || H5Tdetect_class(type, H5T_VLEN) > 0 ||
         H5Tget_class(type) == H5T_COMPOUND || H5Tget_class(type) == H5T_ARRAY;
}

}  // namespace

Values::Values(hid_t type, std::int64_t n, const std::string& where)
    : type_(checked_handle(H5Tcopy(type), where, "cannot copy the type")),
      n_(n),
      element_size_(H5Tget_size(type_.id())),
      bytes_(element_size_ * n) {}

Values::~Values() {
  if (n_ == 0 || !owns_memory(type_.id())) return;
  const Session session;
  const auto extent = static_cast<hsize_t>(n_);
  const Handle space(H5Screate_simple(1, &extent, nullptr));
  H5Dvlen_reclaim(type_.id(), space.id(), H5P_DEFAULT, bytes_.data());
}

void Values::append_text(std::vector<std::string>& out) const {
  const bool variable = H5Tis_variable_str(type_.id()) > 0;
  const bool space_padded = H5Tget_strpad(type_.id()) == H5T_STR_SPACEPAD;
  for (std::int64_t k = 0; k < n_; ++k) {
    const auto* text = reinterpret_cast<const char*>(element(k));
    if (variable) {
      std::memcpy(&text, element(k), sizeof text);
      out.emplace_back(text == nullptr ? "" : text);
      continue;
    }
    std::size_t size = strnlen(text, element_size_);
    while (space_padded && size > 0 && text[size - 1] == ' ') --size;
    out.emplace_back(text, size);
  }
}

}  // namespace maskclass::io::hdf5
