#include "engine/io/hdf5/copy.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/values.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io::hdf5 {
namespace {

/// Bytes of a block of rows.
constexpr std::int64_t kBlockBytes = std::int64_t{1} << 24;

void copy_attribute(const Handle& from, const std::string& name, const Node& to) {
  if (has_attribute(to, name)) return;
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

/// How `source` is stored, for a dataset of another extent.
Handle creation_like(const Node& source, const std::vector<std::int64_t>& extent) {
  if (std::find(extent.begin(), extent.end(), 0) != extent.end()) return Handle();
  Handle creation = checked_handle(H5Dget_create_plist(source.id()), source.where,
                                   "cannot read the storage layout");
  if (H5Pget_layout(creation.id()) != H5D_CHUNKED) return Handle();
  std::vector<hsize_t> chunk(extent.size());
  check(H5Pget_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()), source.where,
        "cannot read the size of a chunk");
  for (std::size_t k = 0; k < chunk.size(); ++k) {
    chunk[k] = std::clamp<hsize_t>(chunk[k], 1, std::max<hsize_t>(1, extent[k]));
  }
  check(H5Pset_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()), source.where,
        "cannot set the size of a chunk");
  check(H5Pset_obj_track_times(creation.id(), false), source.where, "cannot make a dataset");
  return creation;
}

/// Rows [first, first + n) of the selection, from the rows of the file that they span.
class RowBlock {
 public:
  RowBlock(const Node& dataset, const Handle& type, const std::vector<std::int64_t>& extent)
      : dataset_(dataset), type_(type), extent_(extent) {
    for (std::size_t k = 2; k < extent.size(); ++k) inner_ *= extent[k];
    if (extent.size() > 1) n_columns_ = extent[1];
  }

  void copy(std::int64_t first, std::int64_t n, const Selection& rows, const Selection& columns,
            const Node& target, std::int64_t to) const {
    const std::int64_t first_row = rows[first];
    const std::int64_t n_rows = rows[first + n - 1] - first_row + 1;
    Values source(type_.id(), n_rows * n_columns_ * inner_, dataset_.where);
    read_rows(dataset_, first_row, n_rows, type_.id(), source.data());
    const std::int64_t n_kept = columns.size_of(n_columns_);
    const std::size_t bytes = inner_ * source.element_size();
    std::vector<std::byte> kept(n * n_kept * bytes);
    std::byte* out = kept.data();
    for (std::int64_t row = 0; row < n; ++row) {
      for (std::int64_t k = 0; k < n_kept; ++k, out += bytes) {
        const std::int64_t at = (rows[first + row] - first_row) * n_columns_ + columns[k];
        std::copy_n(source.element(at * inner_), bytes, out);
      }
    }
    write_rows(target, to, n, type_.id(), kept.data());
  }

 private:
  const Node& dataset_;
  const Handle& type_;
  const std::vector<std::int64_t>& extent_;
  std::int64_t n_columns_ = 1;
  std::int64_t inner_ = 1;
};

void check_within(const Selection& selection, std::int64_t n, const std::string& where) {
  if (selection.is_all()) return;
  for (std::int64_t k = 0; k < selection.size_of(n); ++k) {
    if (selection[k] < 0 || selection[k] >= n || (k > 0 && selection[k] <= selection[k - 1])) {
      throw data_error(where + ": is too short");
    }
  }
}

}  // namespace

void copy_object(const Node& source, const Node& parent, const std::string& name) {
  check(H5Ocopy(source.id(), ".", parent.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        source.where, "cannot be copied");
}

Node create_like(const Node& source, const std::vector<std::int64_t>& extent, const Node& parent,
                 const std::string& name) {
  return create_dataset_like(parent, name, type_of(source).id(), extent,
                             creation_like(source, extent));
}

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

Node copy_selected(const Node& dataset, const Selection& rows, const Selection& columns,
                   const Node& parent, const std::string& name) {
  std::vector<std::int64_t> extent = shape(dataset);
  const std::vector<std::int64_t> source_extent = extent;
  const Handle type = type_of(dataset);
  if (extent.empty() || (!columns.is_all() && extent.size() < 2) ||
      H5Tdetect_class(type.id(), H5T_REFERENCE) > 0) {
    throw data_error(dataset.where + ": cannot be copied by rows and columns");
  }
  check_within(rows, extent[0], dataset.where);
  if (extent.size() > 1) check_within(columns, extent[1], dataset.where);
  extent[0] = rows.size_of(extent[0]);
  if (extent.size() > 1) extent[1] = columns.size_of(extent[1]);

  Node target = create_like(dataset, extent, parent, name);
  copy_attributes(dataset, target);
  std::int64_t row_bytes = static_cast<std::int64_t>(H5Tget_size(type.id()));
  for (std::size_t k = 1; k < extent.size(); ++k) row_bytes *= source_extent[k];
  const RowBlock block(dataset, type, source_extent);
  for (std::int64_t first = 0; first < extent[0];) {
    // As many rows as lie within a block of the file.
    std::int64_t n = 1;
    const auto spans = [&](std::int64_t count) {
      return (rows[first + count - 1] - rows[first] + 1) * row_bytes;
    };
    while (first + n < extent[0] && spans(n + 1) <= kBlockBytes) ++n;
    block.copy(first, n, rows, columns, target, first);
    first += n;
  }
  return target;
}

}  // namespace maskclass::io::hdf5
