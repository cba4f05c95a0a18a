#include "engine/io/h5ad/h5ad_carry.h"

#include "engine/error.h"

namespace maskclass::io {
namespace {

bool rows_have_names(const Frame& frame, std::span<const std::int64_t> rows,
                     const std::vector<std::string>& names) {
  const std::vector<std::string> all = row_names(frame);
  if (rows.size() != names.size()) return false;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] < 0 || rows[k] >= static_cast<std::int64_t>(all.size())) return false;
    if (all[rows[k]] != names[k]) return false;
  }
  return true;
}

}  // namespace

CarriedTables::CarriedTables(const ResultHeader& header) {
  if (header.source.extension() != ".h5ad") return;
  try {
    const hdf5::Node file = hdf5::open_file(header.source);
    obs_ = open_matching(file, "obs", header.source_cells, header.cell_names);
    const bool raw = header.source_matrix == "raw/X";
    var_ = open_matching(file, raw ? "raw/var" : "var", header.source_genes, header.gene_names);
  } catch (const Error&) {
    // A result that took hours is worth more than the columns: it is written without them.
    left_out_.push_back(header.source.string());
  }
}

std::optional<Frame> CarriedTables::open_matching(const hdf5::Node& file, const std::string& name,
                                                  std::span<const std::int64_t> rows,
                                                  const std::vector<std::string>& names) {
  Frame frame = open_frame(file, name);
  if (rows_have_names(frame, rows, names)) return frame;
  left_out_.push_back(name);
  return std::nullopt;
}

void CarriedTables::carry(const Frame& source, std::span<const std::int64_t> rows,
                          const std::function<bool(const std::string&)>& replaced,
                          FrameWriter& target) {
  for (const std::string& column : source.columns) {
    if (target.has(column) || replaced(column)) continue;
    if (!target.carry(source, column, rows)) left_out_.push_back(source.group.where + "/" + column);
  }
}

}  // namespace maskclass::io
