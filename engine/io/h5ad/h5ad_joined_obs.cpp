#include "engine/io/h5ad/h5ad_joined_obs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_carry.h"
#include "engine/io/h5ad/h5ad_joined_column.h"
#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/hdf5/read.h"

namespace maskclass::io {
namespace {

/// One input: its obs, where it has one, and its place among the cells of all.
struct Part {
  std::optional<Frame> obs;
  std::int64_t first = 0;
  std::int64_t n_cells = 0;
};

/// What of an .h5ad is of its own cells and genes and cannot be put together with that of another.
std::vector<std::string> elements_of_one(const hdf5::Node& file) {
  std::vector<std::string> found;
  for (const char* group : {"layers", "obsm", "obsp", "varm", "varp", "uns"}) {
    if (!hdf5::has(file, group)) continue;
    for (const std::string& name : hdf5::child_names(hdf5::open(file, group))) {
      if (!is_ours(group, name)) found.push_back(fmt::format("{}/{}", group, name));
    }
  }
  for (const std::string& column : open_frame(file, "var").columns) {
    if (!is_gene_name_column(column) && !column.starts_with("maskclass_")) {
      found.push_back("var/" + column);
    }
  }
  if (hdf5::has(file, "raw")) found.emplace_back("raw");
  return found;
}

/// Cells keep their names in a merge, or get "-" and the number of their input.
bool has_cells(const Frame& obs, const ResultHeader& header, const Part& part, std::size_t number) {
  const std::vector<std::string> names = row_names(obs);
  if (std::ssize(names) != part.n_cells) return false;
  for (std::size_t k = 0; k < header.source_cells.size(); ++k) {
    const std::int64_t row = header.source_cells[k] - part.first;
    if (row < 0 || row >= part.n_cells) continue;
    const std::string& merged = header.cell_names[k];
    if (merged != names[row] && merged != fmt::format("{}-{}", names[row], number)) return false;
  }
  return true;
}

class ObsOfInputs {
 public:
  explicit ObsOfInputs(const ResultHeader& header) : header_(header) {
    std::int64_t first = 0;
    for (const MergedInput& input : header.inputs) {
      parts_.push_back({std::nullopt, first, input.n_cells});
      first += input.n_cells;
      if (input.format == FileFormat::h5ad) open(input);
    }
    n_cells_ = first;
  }

  void carry(FrameWriter& target) {
    for (const Part& part : parts_) {
      if (!part.obs) continue;
      for (const std::string& column : part.obs->columns) {
        if (target.has(column) || column.starts_with("maskclass_") || is_left_out(column)) continue;
        if (const auto joined = join(column)) {
          joined->write(header_.source_cells, column, target);
        } else {
          not_joined_.push_back(column);
          left_out_.push_back("obs/" + column);
        }
      }
    }
  }

  std::vector<std::string> left_out() const { return left_out_; }

 private:
  /// A result that took hours is worth more than the columns: it is written without them.
  void open(const MergedInput& input) {
    try {
      const hdf5::Node file = hdf5::open_file(input.path);
      Frame obs = open_frame(file, "obs");
      std::vector<std::string> others = elements_of_one(file);
      if (has_cells(obs, header_, parts_.back(), parts_.size())) {
        parts_.back().obs = std::move(obs);
      } else {
        others.insert(others.begin(), "obs");
      }
      if (others.empty()) return;
      left_out_.push_back(fmt::format("{}: {}", input.path, fmt::join(others, ", ")));
    } catch (const Error&) {
      left_out_.push_back(input.path);
    }
  }

  bool is_left_out(const std::string& column) const {
    return std::find(not_joined_.begin(), not_joined_.end(), column) != not_joined_.end();
  }

  /// Nothing where it cannot be read in one of the inputs.
  std::optional<JoinedColumn> join(const std::string& column) const {
    try {
      std::optional<ColumnKind> kind;
      for (const Part& part : parts_) {
        if (!part.obs || !part.obs->has_column(column)) continue;
        const ColumnKind here = kind_of_column(hdf5::open(part.obs->group, column));
        kind = kind ? common_kind(*kind, here) : here;
      }
      JoinedColumn joined(kind.value_or(ColumnKind::text), n_cells_);
      for (const Part& part : parts_) {
        if (!part.obs || !part.obs->has_column(column)) continue;
        joined.put(hdf5::open(part.obs->group, column), part.first, part.n_cells);
      }
      return joined;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  const ResultHeader& header_;
  std::vector<Part> parts_;
  std::int64_t n_cells_ = 0;
  std::vector<std::string> not_joined_;
  std::vector<std::string> left_out_;
};

}  // namespace

std::vector<std::string> carry_joined_obs(const ResultHeader& header, FrameWriter& target) {
  ObsOfInputs inputs(header);
  inputs.carry(target);
  return inputs.left_out();
}

}  // namespace maskclass::io
