#include "engine/io/h5ad/h5ad_carry.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/error.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

bool rows_have_names(const Frame& frame, const hdf5::Selection& rows,
                     const std::vector<std::string>& names) {
  const std::vector<std::string> all = row_names(frame);
  const std::int64_t n = rows.size_of(std::ssize(all));
  if (n != std::ssize(names)) return false;
  for (std::int64_t k = 0; k < n; ++k) {
    if (rows[k] < 0 || rows[k] >= std::ssize(all) || all[rows[k]] != names[k]) return false;
  }
  return true;
}

}  // namespace

bool is_ours(const std::string& group, const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> ours = {
      {{"layers", "maskclass"},
       {"layers", "denoised"},
       {"layers", "biozero"},
       {"layers", "maskclass_sd"},
       {"layers", "maskclass_q05"},
       {"layers", "maskclass_q95"},
       {"obsm", "X_maskclass"},
       {"uns", "maskclass"}}};
  return std::find(ours.begin(), ours.end(),
                   std::pair<std::string_view, std::string_view>(group, name)) != ours.end();
}

CarriedSource::CarriedSource(const ResultHeader& header) : header_(header) {
  if (!header.source_is_h5ad) return;
  try {
    file_ = hdf5::open_file(header.source);
    genes_are_of_var_ = header.source_matrix != "raw/X";
    const std::string var = genes_are_of_var_ ? "var" : "raw/var";
    cells_ = selection(header.source_cells, "obs");
    genes_ = selection(header.source_genes, var);
    obs_ = open_matching("obs", cells_, header.cell_names);
    var_ = open_matching(var, genes_, header.gene_names);
  } catch (const Error&) {
    // A result that took hours is worth more than the columns: it is written without them.
    obs_.reset();
    var_.reset();
    left_out_.push_back(header.source.string());
  }
}

/// All where every row is kept: elements are then copied as they are.
hdf5::Selection CarriedSource::selection(const std::vector<std::int64_t>& kept,
                                         const std::string& table) const {
  const auto n = static_cast<std::int64_t>(row_names(open_frame(file_, table)).size());
  const bool all = std::ssize(kept) == n && (n == 0 || kept.back() == n - 1);
  return all ? hdf5::Selection() : hdf5::Selection(kept);
}

std::optional<Frame> CarriedSource::open_matching(const std::string& name,
                                                  const hdf5::Selection& rows,
                                                  const std::vector<std::string>& names) {
  Frame frame = open_frame(file_, name);
  if (rows_have_names(frame, rows, names)) return frame;
  left_out_.push_back(name);
  return std::nullopt;
}

void CarriedSource::carry_columns(const Frame& source,
                                  const std::function<bool(const std::string&)>& replaced,
                                  FrameWriter& target) {
  const hdf5::Selection& rows = &source == obs() ? cells_ : genes_;
  for (const std::string& column : source.columns) {
    if (target.has(column) || replaced(column)) continue;
    if (!target.carry(source, column, rows)) left_out_.push_back(source.group.where + "/" + column);
  }
}

/// `known`: whether the cells or genes that the axes choose are those of the output.
void CarriedSource::carry_group(const hdf5::Node& file, const std::string& group, const Axes& axes,
                                bool known) {
  if (!hdf5::has(file_, group)) return;
  const hdf5::Node source = hdf5::open(file_, group);
  const hdf5::Node target = hdf5::open(file, group);
  for (const std::string& name : hdf5::child_names(source)) {
    if (is_ours(group, name)) continue;
    if (known && hdf5::has(source, name)) {
      carry_element(hdf5::open(source, name), axes, target, name, left_out_);
    } else {
      left_out_.push_back(hdf5::child_where(source, name));
    }
  }
}

/// raw has genes of its own: all of them stay.
void CarriedSource::carry_raw(const hdf5::Node& file) {
  if (!hdf5::has(file_, "raw/X") || !hdf5::has(file_, "raw/var")) return;
  const hdf5::Node source = hdf5::open(file_, "raw");
  const hdf5::Node target = hdf5::create_group(file, "raw");
  set_encoding(target, "raw", "0.1.0");
  const bool whole = obs_ &&
                     carry_element(hdf5::open(source, "X"), {cells_, {}}, target, "X", left_out_) &&
                     carry_element(hdf5::open(source, "var"), {}, target, "var", left_out_);
  if (!whole) {
    hdf5::remove(file, "raw");
    left_out_.push_back(source.where);
  } else if (hdf5::has(source, "varm")) {
    carry_element(hdf5::open(source, "varm"), {}, target, "varm", left_out_);
  } else {
    write_dict(target, "varm");
  }
}

void CarriedSource::carry_elements(const hdf5::Node& file) {
  if (file_.id() < 0) return;
  const bool cells = obs_.has_value();
  const bool genes = var_.has_value() && genes_are_of_var_;
  try {
    carry_group(file, "layers", {cells_, genes_}, cells && genes);
    carry_group(file, "obsm", {cells_, {}}, cells);
    carry_group(file, "obsp", {cells_, cells_}, cells);
    carry_group(file, "varm", {genes_, {}}, genes);
    carry_group(file, "varp", {genes_, genes_}, genes);
    carry_group(file, "uns", {}, true);
    carry_raw(file);
  } catch (const Error&) {
    left_out_.push_back(header_.source.string());
  }
  if (header_.source_matrix != "X" && hdf5::has(file_, "X")) left_out_.push_back("X");
}

}  // namespace maskclass::io
