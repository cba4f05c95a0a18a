#include "engine/io/h5ad/h5ad_element_carry.h"

#include <algorithm>
#include <array>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_frame_writer.h"
#include "engine/io/h5ad/h5ad_sparse_carry.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

/// How deep dicts may lie in one another; a damaged file may have a circle of links.
constexpr int kDeepest = 64;

std::string encoding_of(const hdf5::Node& node) {
  for (const char* attribute : {"encoding-type", "h5sparse_format"}) {
    const auto name = hdf5::text_attribute(node, attribute);
    if (name && name->size() == 1) return name->front();
  }
  return "";
}

bool is_sparse(const std::string& encoding) {
  constexpr std::array<const char*, 4> sparse = {"csr_matrix", "csc_matrix", "csr", "csc"};
  return std::find(sparse.begin(), sparse.end(), encoding) != sparse.end();
}

bool is_column(const std::string& encoding) {
  return encoding == "categorical" || encoding.starts_with("nullable-");
}

class ElementCopy {
 public:
  explicit ElementCopy(std::vector<std::string>& left_out) : left_out_(left_out) {}

  bool copy(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
            const std::string& name, int depth) {
    try {
      copy_any(source, axes, parent, name, depth);
      return true;
    } catch (const Error&) {
      hdf5::remove(parent, name);
      left_out_.push_back(source.where);
      return false;
    }
  }

 private:
  void copy_any(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
                const std::string& name, int depth) {
    if (depth > kDeepest) throw data_error(source.where + ": lies too deep");
    const std::string encoding = encoding_of(source);
    if (!hdf5::is_group(source)) {
      copy_dataset(source, axes, parent, name);
    } else if (encoding == "dataframe") {
      copy_frame(source, axes, parent, name);
    } else if (axes.are_all() && (encoding.empty() || encoding == "dict" || encoding == "raw")) {
      copy_dict(source, parent, name, depth);
    } else if (is_sparse(encoding) && (!axes.are_all() || !hdf5::has_attribute(source, "shape"))) {
      carry_sparse(source, axes.rows, axes.columns, parent, name);
    } else if (is_column(encoding) && axes.columns.is_all()) {
      carry_column(source, axes.rows, parent, name);
    } else if (axes.are_all()) {
      hdf5::copy_object(source, parent, name);
    } else {
      throw data_error(source.where + ": is of a kind that has no rows and columns");
    }
  }

  static void copy_dataset(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
                           const std::string& name) {
    if (axes.are_all() && !as_categorical(source)) {
      hdf5::copy_object(source, parent, name);
    } else if (as_categorical(source)) {
      return carry_column(source, axes.rows, parent, name);
    } else {
      hdf5::copy_selected(source, axes.rows, axes.columns, parent, name);
    }
    complete_encoding(hdf5::open(parent, name));
  }

  void copy_frame(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
                  const std::string& name) {
    const Frame frame = as_frame(source);
    FrameWriter writer(parent, name, frame, axes.rows);
    for (const std::string& column : frame.columns) {
      if (!writer.carry(frame, column, axes.rows)) left_out_.push_back(source.where + "/" + column);
    }
    writer.finish();
  }

  void copy_dict(const hdf5::Node& source, const hdf5::Node& parent, const std::string& name,
                 int depth) {
    const hdf5::Node target = write_dict(parent, name);
    for (const std::string& child : hdf5::child_names(source)) {
      copy(hdf5::open(source, child), {}, target, child, depth + 1);
    }
  }

  std::vector<std::string>& left_out_;
};

}  // namespace

bool carry_element(const hdf5::Node& source, const Axes& axes, const hdf5::Node& parent,
                   const std::string& name, std::vector<std::string>& left_out) {
  return ElementCopy(left_out).copy(source, axes, parent, name, 0);
}

}  // namespace maskclass::io
