#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/h5ad/h5ad_element_carry.h"
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_frame_writer.h"
#include "engine/io/result_writer.h"

namespace maskclass::io {

/// Whether this program writes `name` in `group` ("layers"), now or in an earlier run: such an
/// element is never the user's.
bool is_ours(const std::string& group, const std::string& name);

/// All of an input .h5ad that is not ours, to be carried over to an output: its tables, and the
/// elements of layers, obsm, obsp, varm, varp, raw and uns, subset to the cells and genes of the
/// header. The caller holds a hdf5::Session.
class CarriedSource {
 public:
  /// Opens header.source where header.source_is_h5ad. What is about cells (or genes) whose names
  /// are not those of the header is not carried over (the input was replaced while it was worked
  /// on). `header` must outlive the object.
  explicit CarriedSource(const ResultHeader& header);

  /// The tables; null where there is none to carry over.
  const Frame* obs() const { return obs_ ? &*obs_ : nullptr; }
  const Frame* var() const { return var_ ? &*var_ : nullptr; }

  /// Writes the rows of obs() or var() of every column but those that `replaced` is true for.
  void carry_columns(const Frame& source, const std::function<bool(const std::string&)>& replaced,
                     FrameWriter& target);

  /// Writes all but obs, var and X to `file`, which has the groups layers, obsm, ... of every
  /// AnnData; elements that have the names of ours are passed over. uns/maskclass must not be there
  /// yet.
  void carry_elements(const hdf5::Node& file);

  /// What could not be carried over, such as "obs/notes": for the user to know.
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  std::optional<Frame> open_matching(const std::string& name, const hdf5::Selection& rows,
                                     const std::vector<std::string>& names);
  hdf5::Selection selection(const std::vector<std::int64_t>& kept, const std::string& table) const;
  void carry_group(const hdf5::Node& file, const std::string& group, const Axes& axes, bool known);
  void carry_raw(const hdf5::Node& file);

  const ResultHeader& header_;
  hdf5::Node file_;
  hdf5::Selection cells_;
  hdf5::Selection genes_;
  std::optional<Frame> obs_;
  std::optional<Frame> var_;
  bool genes_are_of_var_ = true;  ///< False where the counts came from raw/X.
  std::vector<std::string> left_out_;
};

}  // namespace maskclass::io
