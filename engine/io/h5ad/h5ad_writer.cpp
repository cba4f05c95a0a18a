#include "engine/io/h5ad/h5ad_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/error.h"
#include "engine/io/atomic_file.h"
#include "engine/io/h5ad/h5ad_carry.h"
#include "engine/io/h5ad/h5ad_encoding.h"
#include "engine/io/h5ad/h5ad_frame_writer.h"
#include "engine/io/h5ad/h5ad_joined_obs.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;

hdf5::Node create_anndata(const AtomicPath& path) {
  hdf5::Node file = hdf5::create_file(path.temporary());
  file.where = path.path().string();  // the name that the user knows, for messages
  set_encoding(file, "anndata", "0.1.0");
  // Every AnnData has them, if empty.
  for (const char* name : {"layers", "obsm", "obsp", "uns", "varm", "varp"}) write_dict(file, name);
  return file;
}

/// "_index", or the title that the source gives its row names, unless a column of ours has it.
std::string index_name(const Frame* source) {
  constexpr const char* untitled = "_index";
  if (source == nullptr || source->index == "gene_symbols" || source->index == "gene_ids" ||
      source->index == "highly_variable" || source->index.starts_with("maskclass_")) {
    return untitled;
  }
  return source->index;
}

/// Returns what of several inputs is not carried over.
std::vector<std::string> write_obs(const hdf5::Node& file, const ResultHeader& header,
                                   CarriedSource& source) {
  FrameWriter obs(file, "obs", index_name(source.obs()), header.cell_names);
  const auto replaced = [](const std::string& name) { return name.starts_with("maskclass_"); };
  if (source.obs() != nullptr) source.carry_columns(*source.obs(), replaced, obs);
  std::vector<std::string> left_out;
  if (!header.inputs.empty()) left_out = carry_joined_obs(header, obs);
  if (!header.library_size.empty())
    obs.add("maskclass_library_size", std::span(header.library_size));
  if (!header.cell_inputs.empty()) {
    obs.add("maskclass_input", std::span<const std::string>(header.cell_inputs));
  }
  obs.finish();
  return left_out;
}

void write_var(const hdf5::Node& file, const ResultHeader& header, CarriedSource& source) {
  FrameWriter var(file, "var", index_name(source.var()), header.gene_names);
  const auto replaced = [&](const std::string& name) {
    return name.starts_with("maskclass_") ||
           (name == "highly_variable" && !header.highly_variable.empty());
  };
  if (source.var() != nullptr) source.carry_columns(*source.var(), replaced, var);
  // Symbols that came from the source's var were carried over with it, under the source's name.
  if (!header.gene_symbols.empty() && source.var() == nullptr) {
    var.add("gene_symbols", std::span<const std::string>(header.gene_symbols));
  }
  if (!header.gene_ids.empty() && source.var() == nullptr) {
    var.add("gene_ids", std::span<const std::string>(header.gene_ids));
  }
  if (!header.gene_genomes.empty() && source.var() == nullptr) {
    var.add("genome", std::span<const std::string>(header.gene_genomes));
  }
  if (!header.highly_variable.empty()) var.add_booleans("highly_variable", header.highly_variable);
  if (!header.hvg_rank.empty()) var.add("maskclass_rank", std::span(header.hvg_rank));
  if (!header.denoised.empty()) var.add_booleans("maskclass_denoised", header.denoised);
  var.finish();
}

void write_uns(const hdf5::Node& file, const ResultHeader& header,
               const std::vector<std::string>& left_out) {
  const hdf5::Node group = write_dict(file, "uns/maskclass");
  write_parameters(group, header.parameters_json);
  const hdf5::Node history = write_dict(group, "history");
  for (const auto& [name, losses] : header.history) write_array(history, name, std::span(losses));
  if (!left_out.empty()) {
    write_array(group, "not_carried", std::span<const std::string>(left_out));
  }
}

void check_header(const std::filesystem::path& path, const ResultHeader& header) {
  const auto n_cells = static_cast<std::int64_t>(header.cell_names.size());
  const auto n_genes = static_cast<std::int64_t>(header.gene_names.size());
  if (header.counts.n_cells != n_cells || header.counts.n_genes != n_genes) {
    throw data_error(
        fmt::format("{}: asked to write {} x {} counts with names of {} cells and {} genes",
                    path.string(), header.counts.n_cells, header.counts.n_genes, n_cells, n_genes));
  }
}

/// A matrix that is written in blocks of cells.
struct BlockDataset {
  hdf5::Node dataset;
  const float* ResultBlock::*values;
};

class H5adWriter : public ResultWriter {
 public:
  H5adWriter(const std::filesystem::path& path, const ResultHeader& header)
      : path_(path, AtomicPath::Kind::file), n_cells_(header.counts.n_cells) {
    file_ = create_anndata(path_);
    write_csr(file_, "X", header.counts, header.compression);
    CarriedSource source(header);
    left_out_ = write_obs(file_, header, source);
    write_var(file_, header, source);
    source.carry_elements(file_);
    left_out_.insert(left_out_.end(), source.left_out().begin(), source.left_out().end());
    write_uns(file_, header, left_out_);
    create_matrices(header);
  }

  void write(const ResultBlock& block) override {
    const hdf5::Session session;
    if (block.first_cell != n_written_ || block.n_cells < 0 ||
        block.first_cell + block.n_cells > n_cells_) {
      throw data_error(fmt::format("{}: cells {} to {} do not follow cell {} of {}",
                                   path_.path().string(), block.first_cell,
                                   block.first_cell + block.n_cells, n_written_, n_cells_));
    }
    for (const BlockDataset& matrix : matrices_) {
      const float* values = block.*matrix.values;
      if (values == nullptr) throw data_error(matrix.dataset.where + ": has no values to write");
      hdf5::write_rows(matrix.dataset, block.first_cell, block.n_cells, H5T_NATIVE_FLOAT, values);
    }
    n_written_ += block.n_cells;
  }

  void close() override {
    const hdf5::Session session;
    if (n_written_ != n_cells_) {
      throw data_error(fmt::format("{}: only {} of {} cells were written", path_.path().string(),
                                   n_written_, n_cells_));
    }
    hdf5::flush(file_);
    matrices_.clear();
    file_.handle.reset();
  }

  std::vector<AtomicPath*> files() override { return {&path_}; }
  std::vector<std::string> left_out() const override { return left_out_; }

 private:
  void create_matrices(const ResultHeader& header) {
    const std::int64_t n_genes = header.counts.n_genes;
    const std::int64_t cell_bytes = std::max<std::int64_t>(1, n_genes) * sizeof(float);
    const std::int64_t chunk =
        std::clamp<std::int64_t>(kChunkBytes / cell_bytes, 1, std::max<std::int64_t>(1, n_cells_));
    const auto add = [&](bool wanted, const std::string& name, std::int64_t width,
                         std::int64_t chunk_rows, const float* ResultBlock::*values) {
      if (!wanted) return;
      matrices_.push_back(
          {create_dense(file_, name, n_cells_, width, chunk_rows, header.compression), values});
    };
    add(header.outputs.log2, "layers/maskclass", n_genes, chunk, &ResultBlock::log2);
    add(header.outputs.counts, "layers/denoised", n_genes, chunk, &ResultBlock::counts);
    add(header.outputs.biozero, "layers/biozero", n_genes, chunk, &ResultBlock::biozero);
    add(header.outputs.sd, "layers/maskclass_sd", n_genes, chunk, &ResultBlock::sd);
    add(header.outputs.q05, "layers/maskclass_q05", n_genes, chunk, &ResultBlock::q05);
    add(header.outputs.q95, "layers/maskclass_q95", n_genes, chunk, &ResultBlock::q95);
    add(header.outputs.latent, "obsm/X_maskclass", header.latent_width,
        header.compression > 0 ? n_cells_ : 0, &ResultBlock::latent);
  }

  AtomicPath path_;  // first, so that it outlives the open file
  std::int64_t n_cells_;
  std::int64_t n_written_ = 0;
  hdf5::Node file_;
  std::vector<BlockDataset> matrices_;
  std::vector<std::string> left_out_;
};

}  // namespace

std::unique_ptr<ResultWriter> open_h5ad_writer(const std::filesystem::path& path,
                                               const ResultHeader& header) {
  const hdf5::Session session;
  check_header(path, header);
  return std::make_unique<H5adWriter>(path, header);
}

void write_h5ad_counts(const std::filesystem::path& path, const Dataset& dataset,
                       const std::vector<CellColumn>& columns) {
  const hdf5::Session session;
  AtomicPath output(path, AtomicPath::Kind::file);
  {
    const hdf5::Node file = create_anndata(output);
    write_csr(file, "X", dataset.counts.view());
    FrameWriter obs(file, "obs", "_index", dataset.cell_names);
    for (const CellColumn& column : columns) {
      obs.add(column.name, std::span<const std::string>(column.values));
    }
    obs.finish();
    FrameWriter var(file, "var", "_index", dataset.gene_names);
    if (!dataset.gene_symbols.empty()) {
      var.add("gene_symbols", std::span<const std::string>(dataset.gene_symbols));
    }
    var.finish();
    hdf5::flush(file);
  }
  output.finish();
}

}  // namespace maskclass::io
