#include "engine/io/h5ad/hdf5_copy.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/h5ad/hdf5_read.h"
#include "engine/io/h5ad/hdf5_values.h"
#include "engine/io/h5ad/hdf5_write.h"

namespace maskclass::io::hdf5 {
namespace {

void copy_attribute(const Handle& from, const std::string& name, const Node& to) {
  const Handle type = checked_handle(H5Aget_type(from.id()), to.where, "cannot copy an attribute");
  if (H5Tdetect_class(type.id(), H5T_REFERENCE) > 0) return;
  const Handle space =
      checked_handle(H5Aget_space(from.id()), to.where, "cannot copy an attribute");
  const std::int64_t n =
      check(H5Sget_simple_extent_npoints(space.id()), to.where, "cannot copy an attribute");
  Values values(type.id(), n, to.where);
  if (n > 0) {
    check(H5Aread(from.id(), type.id(), values.data()), to.where, "cannot copy an attribute");
  }
  create_attribute(to, name, type.id(), space, values.data());
}

}  // namespace

void copy_attributes(const Node& from, const Node& to) {
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5A_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  check(H5Aiterate2(from.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names), from.where,
        "cannot list the attributes");
  for (const std::string& name : names) {
    const Handle attribute = checked_handle(H5Aopen(from.id(), name.c_str(), H5P_DEFAULT),
                                            from.where, "cannot open an attribute");
    copy_attribute(attribute, name, to);
  }
}

Node copy_rows(const Node& dataset, std::span<const std::int64_t> rows, const Node& parent,
               const std::string& name) {
  std::vector<std::int64_t> extent = shape(dataset);
  const Handle type = type_of(dataset);
  if (extent.empty() || H5Tdetect_class(type.id(), H5T_REFERENCE) > 0) {
    throw data_error(dataset.where + ": cannot be copied by rows");
  }
  std::int64_t width = 1;
  for (std::size_t k = 1; k < extent.size(); ++k) width *= extent[k];
  Values source(type.id(), extent[0] * width, dataset.where);
  read_rows(dataset, 0, extent[0], type.id(), source.data());

  const std::size_t row_bytes = width * source.element_size();
  std::vector<std::byte> selected(row_bytes * rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] < 0 || rows[k] >= extent[0]) throw data_error(dataset.where + ": is too short");
    std::copy_n(source.element(rows[k] * width), row_bytes, selected.data() + k * row_bytes);
  }
  extent[0] = static_cast<std::int64_t>(rows.size());
  Node target = create_dataset(parent, name, type.id(), extent);
  if (!selected.empty()) write_all(target, type.id(), selected.data());
  copy_attributes(dataset, target);
  return target;
}

}  // namespace maskclass::io::hdf5
