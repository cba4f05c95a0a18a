#include "engine/io/hdf5/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/hdf5/values.h"

namespace maskclass::io::hdf5 {
namespace {

constexpr std::int64_t kSmallestCache = std::int64_t{1} << 20;
constexpr double kLargestCache = 256.0 * 1024 * 1024;
constexpr std::int64_t kStringBlock = 1 << 16;

Handle space_of(const Node& dataset) {
  return checked_handle(H5Dget_space(dataset.id()), dataset.where, "cannot read the extent");
}

/// Extent of a chunk, empty where the dataset is not chunked.
std::vector<hsize_t> chunk_shape(const Node& dataset) {
  const Handle creation = checked_handle(H5Dget_create_plist(dataset.id()), dataset.where,
                                         "cannot read the storage layout");
  if (H5Pget_layout(creation.id()) != H5D_CHUNKED) return {};
  std::vector<hsize_t> extent(H5S_MAX_RANK);
  const int rank =
      check(H5Pget_chunk(creation.id(), static_cast<int>(extent.size()), extent.data()),
            dataset.where, "cannot read the size of a chunk");
  extent.resize(rank);
  return extent;
}

/// Bytes of all chunks that hold one row, or of one chunk where those are too many.
std::int64_t cache_bytes(const Node& dataset, const std::vector<hsize_t>& chunk) {
  const std::vector<std::int64_t> extent = shape(dataset);
  auto one = static_cast<double>(H5Tget_size(type_of(dataset).id()));
  double row = 1;
  for (std::size_t k = 0; k < chunk.size(); ++k) {
    const auto width = static_cast<double>(chunk[k]);
    one *= width;
    if (k > 0) row *= std::ceil(static_cast<double>(extent[k]) / width);
  }
  return std::max(kSmallestCache,
                  static_cast<std::int64_t>(one * row <= kLargestCache ? one * row : one));
}

std::int64_t row_width(const Node& dataset) {
  const std::vector<std::int64_t> extent = shape(dataset);
  std::int64_t width = 1;
  for (std::size_t k = 1; k < extent.size(); ++k) width *= extent[k];
  return width;
}

Handle open_attribute(const Node& node, const std::string& name) {
  return checked_handle(H5Aopen(node.id(), name.c_str(), H5P_DEFAULT), node.where,
                        "cannot open an attribute");
}

std::int64_t attribute_size(const Handle& attribute, const std::string& where) {
  const Handle space =
      checked_handle(H5Aget_space(attribute.id()), where, "cannot read an attribute");
  return check(H5Sget_simple_extent_npoints(space.id()), where, "cannot read an attribute");
}

/// Whether the chunks of a dataset are packed, if at all, by filters of which the bytes they can
/// make of one are known.
bool is_packed_by_known_filters(const Handle& creation) {
  for (int k = 0; k < H5Pget_nfilters(creation.id()); ++k) {
    unsigned flags = 0;
    std::size_t n_values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation.id(), k, &flags, &n_values, nullptr, 0, nullptr, nullptr);
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32) {
      return false;
    }
  }
  return true;
}

/// At most so many bytes of values the file holds for the dataset.
double most_bytes(const Node& dataset) {
  const Handle creation =
      checked_handle(H5Dget_create_plist(dataset.id()), dataset.where, "cannot open the dataset");
  const H5D_layout_t layout = H5Pget_layout(creation.id());
  if (layout == H5D_VIRTUAL || !is_packed_by_known_filters(creation)) {
    return std::numeric_limits<double>::infinity();
  }
  // What was never written reads as zeros: no reason to refuse a few.
  constexpr double kNeverWritten = 1 << 20;
  constexpr double kDeflate = 1032;  // zlib's documentation, "maximum compression factor"
  const auto stored = static_cast<double>(H5Dget_storage_size(dataset.id()));
  if (layout == H5D_CHUNKED) return kNeverWritten + kDeflate * stored;
  const Handle file =
      checked_handle(H5Iget_file_id(dataset.id()), dataset.where, "cannot find its file");
  hsize_t file_bytes = 0;
  check(H5Fget_filesize(file.id(), &file_bytes), dataset.where, "cannot read the file's size");
  return kNeverWritten + static_cast<double>(file_bytes);
}

/// An extent of more values than the file can hold is damaged, and must not become a request for
/// memory.
void check_fits_file(const Node& dataset) {
  double bytes = static_cast<double>(H5Tget_size(type_of(dataset).id()));
  for (const std::int64_t size : shape(dataset)) bytes *= static_cast<double>(size);
  if (bytes > most_bytes(dataset)) {
    throw data_error(dataset.where +
                     ": claims more values than the file holds; it is truncated or damaged");
  }
}

}  // namespace

Node open_file(const std::filesystem::path& path) {
  const std::string where = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw data_error(where + ": no such file");
  if (std::filesystem::is_directory(path, error)) {
    throw data_error(where + ": is a folder, not an .h5ad file (Zarr stores are not supported)");
  }
  if (std::filesystem::file_size(path, error) == 0 && !error) {
    throw data_error(where + ": the file is empty");
  }
  const htri_t is_hdf5 = H5Fis_hdf5(where.c_str());
  if (is_hdf5 < 0) fail(where, "cannot read the file; is it readable?");
  if (is_hdf5 == 0) {
    throw data_error(where + ": not an HDF5 file, so not an .h5ad (or its beginning is damaged)");
  }
  const Handle access = checked_handle(H5Pcreate(H5P_FILE_ACCESS), where, "cannot open the file");
#if H5_VERSION_GE(1, 10, 7)
  // A file system without locks (some network and read-only ones) is no reason not to read.
  check(H5Pset_file_locking(access.id(), true, true), where, "cannot open the file");
#endif
  return {checked_handle(H5Fopen(where.c_str(), H5F_ACC_RDONLY, access.id()), where,
                         "cannot open the file; it is truncated, damaged or in use"),
          where};
}

bool has(const Node& parent, const std::string& name) {
  // Every step of the path has to be there before the next may be asked for.
  for (std::size_t end = name.find('/');; end = name.find('/', end + 1)) {
    const std::string step = name.substr(0, end);
    if (H5Lexists(parent.id(), step.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Oexists_by_name(parent.id(), step.c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

Node open(const Node& parent, const std::string& name) {
  const std::string where = child_where(parent, name);
  if (!has(parent, name)) throw data_error(where + ": is missing from the file");
  Node node{checked_handle(H5Oopen(parent.id(), name.c_str(), H5P_DEFAULT), where, "cannot open"),
            where};
  const H5I_type_t type = H5Iget_type(node.id());
  if (type != H5I_GROUP && type != H5I_DATASET) {
    throw data_error(where + ": is neither a group nor a dataset");
  }
  if (type == H5I_DATASET) check_fits_file(node);
  return node;
}

Node open_for_blocks(const Node& parent, const std::string& name) {
  Node node = open(parent, name);
  if (is_group(node)) throw data_error(node.where + ": is a group where a dataset must be");
  const std::vector<hsize_t> chunk = chunk_shape(node);
  if (chunk.empty()) return node;
  const std::int64_t bytes = cache_bytes(node, chunk);
  const Handle access =
      checked_handle(H5Pcreate(H5P_DATASET_ACCESS), node.where, "cannot open the dataset");
  constexpr std::size_t kSlots = 12421;  // prime, many times the number of chunks in a row
  check(H5Pset_chunk_cache(access.id(), kSlots, bytes, 1.0), node.where, "cannot set the cache");
  const std::string where = node.where;
  node.handle.reset();  // else the open dataset is shared, with its small cache
  return {checked_handle(H5Dopen2(parent.id(), name.c_str(), access.id()), where,
                         "cannot open the dataset"),
          where};
}

bool is_group(const Node& node) {
  return H5Iget_type(node.id()) == H5I_GROUP;
}

std::vector<std::string> child_names(const Node& group) {
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5L_info_t*, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  check(H5Literate(group.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names), group.where,
        "cannot list the group");
  return names;
}

std::vector<std::int64_t> shape(const Node& dataset) {
  if (is_group(dataset)) {
    throw data_error(dataset.where + ": is a group where a dataset must be");
  }
  const Handle space = space_of(dataset);
  const int rank = check(H5Sget_simple_extent_ndims(space.id()), dataset.where, "has no extent");
  std::vector<hsize_t> extent(rank);
  check(H5Sget_simple_extent_dims(space.id(), extent.data(), nullptr), dataset.where,
        "has no extent");
  return {extent.begin(), extent.end()};
}

std::int64_t length(const Node& dataset) {
  const std::vector<std::int64_t> extent = shape(dataset);
  if (extent.size() != 1) {
    throw data_error(
        fmt::format("{}: has {} dimensions where it must have 1", dataset.where, extent.size()));
  }
  return extent[0];
}

std::int64_t chunk_rows(const Node& dataset) {
  const std::vector<hsize_t> chunk = chunk_shape(dataset);
  return chunk.empty() ? 0 : static_cast<std::int64_t>(chunk[0]);
}

Handle type_of(const Node& dataset) {
  return checked_handle(H5Dget_type(dataset.id()), dataset.where, "cannot read the type");
}

H5T_class_t type_class(const Node& dataset) {
  return check(H5Tget_class(type_of(dataset).id()), dataset.where, "cannot read the type");
}

bool is_numeric(const Node& dataset) {
  const H5T_class_t kind = type_class(dataset);
  return kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM;
}

void read_rows(const Node& dataset, std::int64_t first, std::int64_t n, hid_t memory_type,
               void* out) {
  if (n == 0) return;
  const std::vector<std::int64_t> extent = shape(dataset);
  std::vector<hsize_t> start(extent.size(), 0);
  std::vector<hsize_t> count(extent.begin(), extent.end());
  if (extent.empty() || first < 0 || n < 0 || first + n > extent[0]) {
    throw data_error(dataset.where + ": is shorter than it must be");
  }
  start[0] = first;
  count[0] = n;
  const Handle file_space = space_of(dataset);
  check(H5Sselect_hyperslab(file_space.id(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                            nullptr),
        dataset.where, "cannot select rows");
  const Handle memory_space =
      checked_handle(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                     dataset.where, "cannot make a data space");
  check(H5Dread(dataset.id(), memory_type, memory_space.id(), file_space.id(), H5P_DEFAULT, out),
        dataset.where, "cannot read the values; the file is truncated or damaged");
}

std::vector<double> read_doubles(const Node& dataset) {
  if (!is_numeric(dataset)) throw data_error(dataset.where + ": does not hold numbers");
  std::vector<double> numbers(length(dataset));
  read_rows(dataset, 0, length(dataset), H5T_NATIVE_DOUBLE, numbers.data());
  return numbers;
}

std::vector<std::int64_t> read_integers(const Node& dataset) {
  if (!is_numeric(dataset)) throw data_error(dataset.where + ": does not hold numbers");
  std::vector<std::int64_t> numbers(length(dataset));
  read_rows(dataset, 0, length(dataset), H5T_NATIVE_INT64, numbers.data());
  return numbers;
}

void read_floats(const Node& dataset, std::int64_t first, std::int64_t n, float* out) {
  const Handle type = type_of(dataset);
  const bool exact = H5Tget_size(type.id()) < (H5Tget_class(type.id()) == H5T_FLOAT ? 8 : 4);
  if (exact) return read_rows(dataset, first, n, H5T_NATIVE_FLOAT, out);
  const std::int64_t size = n * row_width(dataset);
  const auto numbers = std::make_unique_for_overwrite<double[]>(size);
  read_rows(dataset, first, n, H5T_NATIVE_DOUBLE, numbers.get());
  std::transform(numbers.get(), numbers.get() + size, out, to_float32);
}

void read_indices(const Node& dataset, std::int64_t first, std::int64_t n, std::int32_t* out) {
  const Handle type = type_of(dataset);
  if (H5Tequal(type.id(), H5T_NATIVE_INT32) > 0) {
    return read_rows(dataset, first, n, H5T_NATIVE_INT32, out);
  }
  const auto indices = std::make_unique_for_overwrite<std::int64_t[]>(n);
  read_rows(dataset, first, n, H5T_NATIVE_INT64, indices.get());
  std::transform(indices.get(), indices.get() + n, out, [](std::int64_t index) {
    return index == static_cast<std::int32_t>(index) ? static_cast<std::int32_t>(index) : -1;
  });
}

std::vector<std::string> read_strings(const Node& dataset) {
  if (type_class(dataset) != H5T_STRING) throw data_error(dataset.where + ": does not hold text");
  const std::int64_t n = length(dataset);
  const Handle type = type_of(dataset);
  std::vector<std::string> strings;
  strings.reserve(n);
  for (std::int64_t first = 0; first < n; first += kStringBlock) {
    const std::int64_t size = std::min(kStringBlock, n - first);
    Values values(type.id(), size, dataset.where);
    read_rows(dataset, first, size, type.id(), values.data());
    values.append_text(strings);
  }
  return strings;
}

std::vector<std::string> read_as_text(const Node& dataset) {
  const H5T_class_t kind = type_class(dataset);
  if (kind == H5T_STRING) return read_strings(dataset);
  std::vector<std::string> texts;
  const auto append = [&](const auto& numbers, const auto& format) {
    for (const auto number : numbers) texts.push_back(format(number));
  };
  if (kind == H5T_ENUM) {
    append(read_integers(dataset), [](std::int64_t b) { return b != 0 ? "True" : "False"; });
  } else if (kind == H5T_INTEGER) {
    append(read_integers(dataset), [](std::int64_t n) { return fmt::format("{}", n); });
  } else if (kind == H5T_FLOAT && H5Tget_size(type_of(dataset).id()) <= sizeof(float)) {
    append(read_doubles(dataset),
           [](double x) { return fmt::format("{}", static_cast<float>(x)); });
  } else if (kind == H5T_FLOAT) {
    append(read_doubles(dataset), [](double x) { return fmt::format("{}", x); });
  } else {
    throw data_error(dataset.where + ": holds neither text nor numbers");
  }
  return texts;
}

std::string read_scalar_text(const Node& scalar) {
  const Handle type = type_of(scalar);
  if (!shape(scalar).empty()) throw data_error(scalar.where + ": is not a single value");
  const auto read = [&](hid_t memory_type, void* out) {
    check(H5Dread(scalar.id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), scalar.where,
          "cannot read the value");
  };
  std::int64_t whole = 0;
  double number = 0;
  switch (H5Tget_class(type.id())) {
    case H5T_STRING: {
      Values values(type.id(), 1, scalar.where);
      read(type.id(), values.data());
      std::vector<std::string> text;
      values.append_text(text);
      return text.front();
    }
    case H5T_ENUM:
      read(H5T_NATIVE_INT64, &whole);
      return whole != 0 ? "true" : "false";
    case H5T_INTEGER:
      if (H5Tget_sign(type.id()) == H5T_SGN_NONE) {
        std::uint64_t unsigned_whole = 0;
        read(H5T_NATIVE_UINT64, &unsigned_whole);
        return fmt::format("{}", unsigned_whole);
      }
      read(H5T_NATIVE_INT64, &whole);
      return fmt::format("{}", whole);
    case H5T_FLOAT:
      read(H5T_NATIVE_DOUBLE, &number);
      return fmt::format("{}", number);
    default:
      throw data_error(scalar.where + ": is neither text nor a number");
  }
}

bool has_attribute(const Node& node, const std::string& name) {
  return check(H5Aexists(node.id(), name.c_str()), node.where, "cannot look for an attribute") > 0;
}

std::optional<std::vector<std::string>> text_attribute(const Node& node, const std::string& name) {
  if (!has_attribute(node, name)) return std::nullopt;
  const Handle attribute = open_attribute(node, name);
  const Handle type =
      checked_handle(H5Aget_type(attribute.id()), node.where, "cannot read an attribute");
  const std::int64_t n = attribute_size(attribute, node.where);
  std::vector<std::string> texts;
  // An empty list has no type that can be relied on (Python writes it as numbers).
  if (n == 0) return texts;
  if (H5Tget_class(type.id()) != H5T_STRING) {
    throw data_error(fmt::format("{}: its attribute {} is not text", node.where, name));
  }
  Values values(type.id(), n, node.where);
  check(H5Aread(attribute.id(), type.id(), values.data()), node.where, "cannot read an attribute");
  values.append_text(texts);
  return texts;
}

std::optional<std::vector<std::int64_t>> integer_attribute(const Node& node,
                                                           const std::string& name) {
  if (!has_attribute(node, name)) return std::nullopt;
  const Handle attribute = open_attribute(node, name);
  std::vector<std::int64_t> numbers(attribute_size(attribute, node.where));
  check(H5Aread(attribute.id(), H5T_NATIVE_INT64, numbers.data()), node.where,
        "cannot read an attribute");
  return numbers;
}

}  // namespace maskclass::io::hdf5
