#include "engine/io/h5ad/h5ad_sparse_carry.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/h5ad/h5ad_matrix.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/values.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

/// Entries of a block.
constexpr std::int64_t kBlock = std::int64_t{1} << 20;

[[noreturn]] void refuse(const std::string& where) {
  throw data_error(where + ": the sparse matrix is damaged");
}

/// The new place of each of `n`, -1 for those that are not kept.
std::vector<std::int64_t> new_places(const hdf5::Selection& kept, std::int64_t n,
                                     const std::string& where) {
  std::vector<std::int64_t> places(n, -1);
  for (std::int64_t k = 0; k < kept.size_of(n); ++k) {
    if (kept[k] < 0 || kept[k] >= n) refuse(where);
    places[kept[k]] = k;
  }
  return places;
}

/// A matrix in the terms of its storage: what is compressed (rows of csr, columns of csc) is major.
class SparseCopy {
 public:
  SparseCopy(const hdf5::Node& source, const hdf5::Selection& rows, const hdf5::Selection& columns)
      : matrix_(open_sparse_group(source)),
        by_rows_(matrix_.storage == StoredMatrix::Storage::csr),
        n_major_(by_rows_ ? matrix_.n_cells : matrix_.n_genes),
        n_minor_(by_rows_ ? matrix_.n_genes : matrix_.n_cells),
        major_(by_rows_ ? rows : columns),
        new_minor_(new_places(by_rows_ ? columns : rows, n_minor_, source.where)),
        n_new_minor_((by_rows_ ? columns : rows).size_of(n_minor_)),
        pointers_(hdf5::read_integers(matrix_.pointers)) {
    new_places(major_, n_major_, source.where);
    const std::int64_t n_values = hdf5::length(matrix_.values);
    const bool falls = !std::is_sorted(pointers_.begin(), pointers_.end());
    if (falls || pointers_.front() < 0 || pointers_.back() > n_values) refuse(source.where);
  }

  void write(const hdf5::Node& source, const hdf5::Node& parent, const std::string& name) {
    const hdf5::Node group = hdf5::create_group(parent, name);
    const std::int64_t n_new_major = major_.size_of(n_major_);
    const std::array<std::int64_t, 2> shape{by_rows_ ? n_new_major : n_new_minor_,
                                            by_rows_ ? n_new_minor_ : n_new_major};
    set_encoding(group, by_rows_ ? "csr_matrix" : "csc_matrix", "0.1.0");
    hdf5::set_attribute(group, "shape", std::span<const std::int64_t>(shape));

    const std::vector<std::int64_t> pointers = count();
    const hdf5::Handle type = hdf5::type_of(matrix_.values);
    const std::vector<std::int64_t> extent{pointers.back()};
    const hdf5::Node data = hdf5::create_like(matrix_.values, extent, group, "data");
    const hdf5::Node indices = hdf5::create_like(matrix_.indices, extent, group, "indices");
    const hdf5::Node indptr =
        hdf5::create_like(matrix_.pointers, {n_new_major + 1}, group, "indptr");
    hdf5::write_all(indptr, H5T_NATIVE_INT64, pointers.data());
    copy_entries(type, data, indices);
    hdf5::copy_attributes(source, group);
    for (const hdf5::Node* part : {&data, &indices, &indptr}) complete_encoding(*part);
  }

 private:
  /// Calls work(first entry, number of entries, first of major_, number of them) for runs of
  /// neighbours.
  void for_runs(const std::function<void(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>&
                    work) const {
    const std::int64_t n = major_.size_of(n_major_);
    for (std::int64_t k = 0; k < n;) {
      const std::int64_t first = pointers_[major_[k]];
      std::int64_t end = k + 1;
      while (end < n && major_[end] == major_[end - 1] + 1 &&
             pointers_[major_[end] + 1] - first <= kBlock) {
        ++end;
      }
      work(first, pointers_[major_[end - 1] + 1] - first, k, end - k);
      k = end;
    }
  }

  std::vector<std::int64_t> read_indices(std::int64_t first, std::int64_t n) const {
    std::vector<std::int64_t> indices(n);
    hdf5::read_rows(matrix_.indices, first, n, H5T_NATIVE_INT64, indices.data());
    for (const std::int64_t index : indices) {
      if (index < 0 || index >= n_minor_) refuse(matrix_.where);
    }
    return indices;
  }

  std::vector<std::int64_t> count() const {
    std::vector<std::int64_t> pointers{0};
    for_runs([&](std::int64_t first, std::int64_t n, std::int64_t run, std::int64_t n_run) {
      const std::vector<std::int64_t> indices = read_indices(first, n);
      for (std::int64_t k = run; k < run + n_run; ++k) {
        std::int64_t kept = 0;
        for (std::int64_t at = pointers_[major_[k]]; at < pointers_[major_[k] + 1]; ++at) {
          kept += new_minor_[indices[at - first]] >= 0;
        }
        pointers.push_back(pointers.back() + kept);
      }
    });
    return pointers;
  }

  void copy_entries(const hdf5::Handle& type, const hdf5::Node& data,
                    const hdf5::Node& indices) const {
    std::int64_t written = 0;
    for_runs([&](std::int64_t first, std::int64_t n, std::int64_t, std::int64_t) {
      const std::vector<std::int64_t> old_indices = read_indices(first, n);
      hdf5::Values values(type.id(), n, matrix_.where);
      hdf5::read_rows(matrix_.values, first, n, type.id(), values.data());
      std::vector<std::int64_t> kept_indices;
      std::vector<std::byte> kept;
      for (std::int64_t k = 0; k < n; ++k) {
        const std::int64_t place = new_minor_[old_indices[k]];
        if (place < 0) continue;
        kept_indices.push_back(place);
        kept.insert(kept.end(), values.element(k), values.element(k) + values.element_size());
      }
      const std::int64_t n_kept = std::ssize(kept_indices);
      hdf5::write_rows(data, written, n_kept, type.id(), kept.data());
      hdf5::write_rows(indices, written, n_kept, H5T_NATIVE_INT64, kept_indices.data());
      written += n_kept;
    });
  }

  StoredMatrix matrix_;
  bool by_rows_;
  std::int64_t n_major_;
  std::int64_t n_minor_;
  hdf5::Selection major_;
  std::vector<std::int64_t> new_minor_;
  std::int64_t n_new_minor_;
  std::vector<std::int64_t> pointers_;
};

}  // namespace

void carry_sparse(const hdf5::Node& source, const hdf5::Selection& rows,
                  const hdf5::Selection& columns, const hdf5::Node& parent,
                  const std::string& name) {
  SparseCopy(source, rows, columns).write(source, parent, name);
}

}  // namespace maskclass::io
