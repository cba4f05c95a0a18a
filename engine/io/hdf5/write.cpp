#include "engine/io/hdf5/write.h"

#include <algorithm>
#include <array>

#include "engine/io/hdf5/read.h"

namespace maskclass::io::hdf5 {
namespace {

Handle property_list(hid_t kind, const std::string& where) {
  return checked_handle(H5Pcreate(kind), where, "cannot make a property list");
}

/// Links have UTF-8 names, and groups on their path are made.
Handle link_creation(const std::string& where) {
  Handle list = property_list(H5P_LINK_CREATE, where);
  check(H5Pset_char_encoding(list.id(), H5T_CSET_UTF8), where, "cannot make a property list");
  check(H5Pset_create_intermediate_group(list.id(), 1), where, "cannot make a property list");
  return list;
}

Handle text_type(const std::string& where) {
  Handle type = checked_handle(H5Tcopy(H5T_C_S1), where, "cannot make a type");
  check(H5Tset_size(type.id(), H5T_VARIABLE), where, "cannot make a type");
  check(H5Tset_cset(type.id(), H5T_CSET_UTF8), where, "cannot make a type");
  return type;
}

Handle boolean_type(const std::string& where) {
  Handle type = checked_handle(H5Tenum_create(H5T_STD_I8LE), where, "cannot make a type");
  const std::array<std::int8_t, 2> members{0, 1};
  check(H5Tenum_insert(type.id(), "FALSE", &members[0]), where, "cannot make a type");
  check(H5Tenum_insert(type.id(), "TRUE", &members[1]), where, "cannot make a type");
  return type;
}

Handle space_of_extent(const std::vector<std::int64_t>& extent, const std::string& where) {
  if (extent.empty()) {
    return checked_handle(H5Screate(H5S_SCALAR), where, "cannot make a data space");
  }
  const std::vector<hsize_t> sizes(extent.begin(), extent.end());
  return checked_handle(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
                        where, "cannot make a data space");
}

void compress(const Handle& creation, int level, const std::string& where) {
  check(H5Pset_shuffle(creation.id()), where, "cannot compress the dataset");
  check(H5Pset_deflate(creation.id(), static_cast<unsigned>(level)), where,
        "cannot compress the dataset");
}

std::vector<const char*> pointers_to(std::span<const std::string> texts) {
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

/// Elements of a chunk of a compressed list.
constexpr std::int64_t kListChunk = std::int64_t{1} << 16;

template <class Value>
Node write_numbers(const Node& parent, const std::string& name, hid_t file_type, hid_t memory_type,
                   std::span<const Value> values, int compression = 0) {
  const auto n = static_cast<std::int64_t>(values.size());
  const std::int64_t chunk = compression > 0 ? std::min(n, kListChunk) : 0;
  Node dataset = create_dataset(parent, name, file_type, {n}, chunk, compression);
  write_all(dataset, memory_type, values.data());
  return dataset;
}

template <class Value>
Node write_one(const Node& parent, const std::string& name, hid_t file_type, hid_t memory_type,
               const Value& value) {
  Node dataset = create_dataset(parent, name, file_type, {});
  write_all(dataset, memory_type, &value);
  return dataset;
}

}  // namespace

Node create_file(const std::filesystem::path& path) {
  const std::string where = path.string();
  const Handle access = property_list(H5P_FILE_ACCESS, where);
  // The format of HDF5 1.8 and newer: attributes may be larger than 64 KB (a table of thousands of
  // columns), and headers hold no times unless asked to.
  check(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V18, H5F_LIBVER_V110), where,
        "cannot create the file");
  const Handle creation = property_list(H5P_FILE_CREATE, where);
  check(H5Pset_obj_track_times(creation.id(), false), where, "cannot create the file");
  return {checked_handle(H5Fcreate(where.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), where,
                         "cannot create the file"),
          where};
}

void flush(const Node& file) {
  check(H5Fflush(file.id(), H5F_SCOPE_GLOBAL), file.where, "cannot write to the disk; is it full?");
}

Node create_group(const Node& parent, const std::string& name) {
  const std::string where = child_where(parent, name);
  const Handle creation = property_list(H5P_GROUP_CREATE, where);
  check(H5Pset_obj_track_times(creation.id(), false), where, "cannot create the group");
  const Handle link = link_creation(where);
  return {
      checked_handle(H5Gcreate2(parent.id(), name.c_str(), link.id(), creation.id(), H5P_DEFAULT),
                     where, "cannot create the group"),
      where};
}

void remove(const Node& parent, const std::string& name) {
  if (H5Lexists(parent.id(), name.c_str(), H5P_DEFAULT) <= 0) return;
  check(H5Ldelete(parent.id(), name.c_str(), H5P_DEFAULT), parent.where, "cannot remove an object");
}

Node create_dataset(const Node& parent, const std::string& name, hid_t type,
                    const std::vector<std::int64_t>& extent, std::int64_t chunk_rows,
                    int compression) {
  const std::string where = child_where(parent, name);
  const Handle space = space_of_extent(extent, where);
  const Handle creation = property_list(H5P_DATASET_CREATE, where);
  const Handle access = property_list(H5P_DATASET_ACCESS, where);
  check(H5Pset_obj_track_times(creation.id(), false), where, "cannot create the dataset");
  if (chunk_rows > 0) {
    std::vector<hsize_t> chunk(extent.begin(), extent.end());
    chunk[0] = chunk_rows;
    hsize_t bytes = H5Tget_size(type);
    for (hsize_t& size : chunk) bytes *= size = std::max<hsize_t>(1, size);
    check(H5Pset_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()), where,
          "cannot create the dataset");
    // The end of the last chunk, beyond the extent, is zeros rather than what memory held.
    const float zero = 0;
    check(H5Pset_fill_value(creation.id(), H5T_NATIVE_FLOAT, &zero), where,
          "cannot create the dataset");
    if (compression > 0) compress(creation, compression, where);
    // Blocks need not end where chunks do: two chunks stay in memory.
    check(H5Pset_chunk_cache(access.id(), 521, 2 * bytes, 1.0), where, "cannot create the dataset");
  }
  const Handle link = link_creation(where);
  return {checked_handle(H5Dcreate2(parent.id(), name.c_str(), type, space.id(), link.id(),
                                    creation.id(), access.id()),
                         where, "cannot create the dataset"),
          where};
}

Node create_growing(const Node& parent, const std::string& name, hid_t type, int compression) {
  const std::string where = child_where(parent, name);
  const hsize_t none = 0;
  const hsize_t any = H5S_UNLIMITED;
  const auto chunk = static_cast<hsize_t>(kListChunk);
  const Handle space =
      checked_handle(H5Screate_simple(1, &none, &any), where, "cannot make a data space");
  const Handle creation = property_list(H5P_DATASET_CREATE, where);
  check(H5Pset_obj_track_times(creation.id(), false), where, "cannot create the dataset");
  check(H5Pset_chunk(creation.id(), 1, &chunk), where, "cannot create the dataset");
  if (compression > 0) compress(creation, compression, where);
  const Handle link = link_creation(where);
  return {checked_handle(H5Dcreate2(parent.id(), name.c_str(), type, space.id(), link.id(),
                                    creation.id(), H5P_DEFAULT),
                         where, "cannot create the dataset"),
          where};
}

void append(const Node& dataset, std::int64_t size, std::int64_t n, hid_t memory_type,
            const void* data) {
  const auto extent = static_cast<hsize_t>(size + n);
  check(H5Dset_extent(dataset.id(), &extent), dataset.where, "cannot grow; is the disk full?");
  write_rows(dataset, size, n, memory_type, data);
}

Node create_dataset_like(const Node& parent, const std::string& name, hid_t type,
                         const std::vector<std::int64_t>& extent, const Handle& creation) {
  if (creation.id() < 0) return create_dataset(parent, name, type, extent);
  const std::string where = child_where(parent, name);
  const Handle space = space_of_extent(extent, where);
  const Handle link = link_creation(where);
  return {checked_handle(H5Dcreate2(parent.id(), name.c_str(), type, space.id(), link.id(),
                                    creation.id(), H5P_DEFAULT),
                         where, "cannot create the dataset"),
          where};
}

void write_rows(const Node& dataset, std::int64_t first, std::int64_t n, hid_t memory_type,
                const void* data) {
  if (n == 0) return;
  const std::vector<std::int64_t> extent = shape(dataset);
  std::vector<hsize_t> start(extent.size(), 0);
  std::vector<hsize_t> count(extent.begin(), extent.end());
  start[0] = first;
  count[0] = n;
  const Handle file_space = space_of_extent(extent, dataset.where);
  check(H5Sselect_hyperslab(file_space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                            nullptr),
        dataset.where, "cannot select rows");
  const Handle memory_space = space_of_extent({count.begin(), count.end()}, dataset.where);
  check(H5Dwrite(dataset.id(), memory_type, memory_space.id(), file_space.id(), H5P_DEFAULT, data),
        dataset.where, "cannot write; is the disk full?");
}

void write_all(const Node& dataset, hid_t memory_type, const void* data) {
  if (data == nullptr) return;  // nothing in it
  check(H5Dwrite(dataset.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), dataset.where,
        "cannot write; is the disk full?");
}

Node write(const Node& parent, const std::string& name, std::span<const float> values,
           int compression) {
  return write_numbers(parent, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values, compression);
}
Node write(const Node& parent, const std::string& name, std::span<const double> values) {
  return write_numbers(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values);
}
Node write(const Node& parent, const std::string& name, std::span<const std::int32_t> values,
           int compression) {
  return write_numbers(parent, name, H5T_STD_I32LE, H5T_NATIVE_INT32, values, compression);
}
Node write(const Node& parent, const std::string& name, std::span<const std::int64_t> values) {
  return write_numbers(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, values);
}
Node write(const Node& parent, const std::string& name, std::span<const std::string> values) {
  const Handle type = text_type(parent.where);
  const std::vector<const char*> pointers = pointers_to(values);
  return write_numbers(parent, name, type.id(), type.id(), std::span(pointers));
}
Node write_booleans(const Node& parent, const std::string& name,
                    std::span<const std::uint8_t> values) {
  const Handle type = boolean_type(parent.where);
  return write_numbers(parent, name, type.id(), type.id(), values);
}

Node write_scalar(const Node& parent, const std::string& name, double value) {
  return write_one(parent, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, value);
}
Node write_scalar(const Node& parent, const std::string& name, std::int64_t value) {
  return write_one(parent, name, H5T_STD_I64LE, H5T_NATIVE_INT64, value);
}
Node write_scalar(const Node& parent, const std::string& name, std::uint64_t value) {
  return write_one(parent, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, value);
}
Node write_scalar(const Node& parent, const std::string& name, const std::string& value) {
  const Handle type = text_type(parent.where);
  return write_one(parent, name, type.id(), type.id(), value.c_str());
}
Node write_boolean(const Node& parent, const std::string& name, bool value) {
  const Handle type = boolean_type(parent.where);
  return write_one(parent, name, type.id(), type.id(), static_cast<std::int8_t>(value));
}

void create_attribute(const Node& node, const std::string& name, hid_t type, const Handle& space,
                      const void* data) {
  const Handle attribute = checked_handle(
      H5Acreate2(node.id(), name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT), node.where,
      "cannot create an attribute");
  const char nothing = 0;  // HDF5 wants an address even where there is nothing to write
  check(H5Awrite(attribute.id(), type, data == nullptr ? &nothing : data), node.where,
        "cannot write an attribute");
}

void set_attribute(const Node& node, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  create_attribute(node, name, text_type(node.where).id(), space_of_extent({}, node.where), &text);
}
void set_attribute(const Node& node, const std::string& name, std::span<const std::string> values) {
  const Handle space = space_of_extent({static_cast<std::int64_t>(values.size())}, node.where);
  create_attribute(node, name, text_type(node.where).id(), space, pointers_to(values).data());
}
void set_attribute(const Node& node, const std::string& name,
                   std::span<const std::int64_t> values) {
  const Handle space = space_of_extent({static_cast<std::int64_t>(values.size())}, node.where);
  create_attribute(node, name, H5T_NATIVE_INT64, space, values.data());
}
void set_attribute(const Node& node, const std::string& name, bool value) {
  const auto byte = static_cast<std::int8_t>(value);
  create_attribute(node, name, boolean_type(node.where).id(), space_of_extent({}, node.where),
                   &byte);
}

}  // namespace maskclass::io::hdf5
