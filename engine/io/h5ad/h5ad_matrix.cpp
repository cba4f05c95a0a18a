#include "engine/io/h5ad/h5ad_matrix.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace maskclass::io {
namespace {

using Storage = StoredMatrix::Storage;

std::string storage_name(const hdf5::Node& group) {
  for (const char* attribute : {"encoding-type", "h5sparse_format"}) {
    const auto name = hdf5::text_attribute(group, attribute);
    if (name && name->size() == 1) return name->front();
  }
  throw data_error(group.where + ": the group does not say which kind of matrix it is");
}

Storage sparse_storage(const hdf5::Node& group) {
  const std::string name = storage_name(group);
  if (name == "csr_matrix" || name == "csr") return Storage::csr;
  if (name == "csc_matrix" || name == "csc") return Storage::csc;
  throw data_error(
      fmt::format("{}: is stored as \"{}\"; csr_matrix, csc_matrix and dense arrays can be read",
                  group.where, name));
}

std::vector<std::int64_t> sparse_shape(const hdf5::Node& group) {
  for (const char* attribute : {"shape", "h5sparse_shape"}) {
    const auto extent = hdf5::integer_attribute(group, attribute);
    if (extent && extent->size() == 2 && (*extent)[0] >= 0 && (*extent)[1] >= 0) return *extent;
  }
  throw data_error(group.where + ": the sparse matrix does not say its shape");
}

}  // namespace

StoredMatrix open_sparse_group(const hdf5::Node& group) {
  const Storage storage = sparse_storage(group);
  const std::vector<std::int64_t> shape = sparse_shape(group);
  return open_sparse_matrix(group, storage, shape[0], shape[1]);
}

StoredMatrix open_matrix(const hdf5::Node& file, const std::string& name) {
  const hdf5::Node node = hdf5::open(file, name);
  return hdf5::is_group(node) ? open_sparse_group(node)
                              : open_dense_matrix(file, name, Storage::dense);
}

}  // namespace maskclass::io
