#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_frame_writer.h"
#include "engine/io/result_writer.h"

namespace maskclass::io {

/// The tables of an input .h5ad, to be carried over to an output. The caller holds a
/// hdf5::Session.
class CarriedTables {
 public:
  /// Opens header.source where it is an .h5ad. A table whose names are not those of the header is
  /// not carried over (the input was replaced while it was worked on).
  explicit CarriedTables(const ResultHeader& header);

  /// The tables; null where there is none to carry over.
  const Frame* obs() const { return obs_ ? &*obs_ : nullptr; }
  const Frame* var() const { return var_ ? &*var_ : nullptr; }

  /// Writes the rows `rows` of every column of `source` but those that `replaced` is true for, and
  /// keeps the names of those that are of no known kind.
  void carry(const Frame& source, std::span<const std::int64_t> rows,
             const std::function<bool(const std::string&)>& replaced, FrameWriter& target);

  /// What could not be carried over, such as "obs/notes": for the user to know.
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  std::optional<Frame> open_matching(const hdf5::Node& file, const std::string& name,
                                     std::span<const std::int64_t> rows,
                                     const std::vector<std::string>& names);

  std::optional<Frame> obs_;
  std::optional<Frame> var_;
  std::vector<std::string> left_out_;
};

}  // namespace maskclass::io
