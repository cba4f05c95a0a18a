#include "engine/io/text/text_result_writer.h"

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/tenx/tenx_h5_writer.h"
#include "engine/io/text/name_lists.h"
#include "engine/io/text/name_writer.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;

struct Output {
  std::string name;
  const float* ResultBlock::*values;
  bool latent;
};

std::vector<Output> wanted_outputs(const Outputs& outputs) {
  std::vector<Output> wanted;
  if (outputs.log2) wanted.push_back({"log2", &ResultBlock::log2, false});
  if (outputs.counts) wanted.push_back({"counts", &ResultBlock::counts, false});
  if (outputs.biozero) wanted.push_back({"biozero", &ResultBlock::biozero, false});
  if (outputs.sd) wanted.push_back({"sd", &ResultBlock::sd, false});
  if (outputs.q05) wanted.push_back({"q05", &ResultBlock::q05, false});
  if (outputs.q95) wanted.push_back({"q95", &ResultBlock::q95, false});
  if (outputs.latent) wanted.push_back({"latent", &ResultBlock::latent, true});
  if (wanted.empty()) throw usage_error("no output is asked for: name at least one in --outputs");
  return wanted;
}

std::vector<std::string> column_names_of(const Output& output, const ResultHeader& header) {
  return output.latent ? numbered_names("latent", header.latent_width) : header.gene_names;
}

GeneLabels ids_and_symbols(const ResultHeader& header) {
  return gene_labels(header.gene_names, header.gene_symbols, header.gene_ids);
}

void check_names(const fs::path& path, const ResultHeader& header) {
  check_names_for_text(header.cell_names, path.string());
  check_names_for_text(header.gene_ids, path.string());
  check_names_for_text(header.gene_names, path.string());
  check_names_for_text(header.gene_symbols, path.string());
}

/// The files of one job, each under a temporary name until all are complete.
class FileSet {
 public:
  explicit FileSet(const ResultHeader& header) : header_(header) {}

  const fs::path& add(const fs::path& path) {
    paths_.push_back(std::make_unique<AtomicPath>(path, AtomicPath::Kind::file));
    return paths_.back()->temporary();
  }
  void add_names(const fs::path& path, const std::vector<std::string>& names) {
    write_names(add(path), path.string(), names);
  }
  void add_features(const fs::path& path) {
    write_features(add(path), path.string(), ids_and_symbols(header_));
  }

  std::vector<std::unique_ptr<AtomicPath>> take() { return std::move(paths_); }

 private:
  const ResultHeader& header_;
  std::vector<std::unique_ptr<AtomicPath>> paths_;
};

std::unique_ptr<MatrixSink> open_sink(const fs::path& temporary, const std::string& name,
                                      const Output& output, const ResultHeader& header) {
  const auto n_cells = static_cast<std::int64_t>(header.cell_names.size());
  const std::vector<std::string> columns = column_names_of(output, header);
  const auto n_columns = static_cast<std::int64_t>(columns.size());
  switch (format_by_name(name)) {
    case FileFormat::npy:
      return std::make_unique<NpySink>(temporary, name, n_cells, n_columns);
    case FileFormat::table:
      return std::make_unique<TableSink>(temporary, name, header.cell_names, columns);
#ifdef MASKCLASS_HAS_HDF5
    case FileFormat::tenx_h5:
      return open_tenx_h5_sink(temporary, name,
                               {header.cell_names, ids_and_symbols(header), header.gene_genomes},
                               header.compression);
#endif
    default:
      return std::make_unique<MatrixMarketSink>(temporary, name, n_cells, n_columns, false);
  }
}

/// Names stand beside formats that hold none.
void add_name_files(FileSet& files, const NameParts& parts, const std::vector<Output>& outputs,
                    const ResultHeader& header) {
  const bool packed = parts.ending.ends_with(".gz");
  const auto beside = [&](const std::string& rest) { return fs::path(parts.stem.string() + rest); };
  switch (format_by_ending(parts.ending)) {
    case FileFormat::matrix_market:
      files.add_names(beside(packed ? ".barcodes.tsv.gz" : ".barcodes.tsv"), header.cell_names);
      files.add_features(beside(packed ? ".features.tsv.gz" : ".features.tsv"));
      return;
    case FileFormat::npy:
      files.add_names(beside(".cells.txt"), header.cell_names);
      if (!outputs.front().latent) files.add_names(beside(".genes.txt"), header.gene_names);
      for (const Output& output : outputs) {
        if (!output.latent) continue;
        files.add_names(beside(outputs.size() > 1 ? ".latent.genes.txt" : ".genes.txt"),
                        column_names_of(output, header));
      }
      return;
    default:
      return;
  }
}

}  // namespace

TextResultWriter::TextResultWriter(std::int64_t n_cells,
                                   std::vector<std::unique_ptr<AtomicPath>> paths,
                                   std::vector<Part> parts)
    : n_cells_(n_cells), paths_(std::move(paths)), parts_(std::move(parts)) {}

void TextResultWriter::write(const ResultBlock& block) {
  if (block.first_cell != next_cell_ || block.n_cells > n_cells_ - next_cell_) {
    throw std::logic_error("ResultWriter::write: the blocks are not consecutive");
  }
  for (const Part& part : parts_) {
    const float* values = block.*part.values;
    if (values == nullptr) throw std::logic_error("ResultWriter::write: an output is missing");
    part.sink->write(values, block.n_cells);
  }
  next_cell_ += block.n_cells;
}

void TextResultWriter::close() {
  if (next_cell_ != n_cells_) throw std::logic_error("ResultWriter::close: cells are missing");
  for (const Part& part : parts_) part.sink->close();
}

std::vector<AtomicPath*> TextResultWriter::files() {
  std::vector<AtomicPath*> files;
  for (const auto& path : paths_) files.push_back(path.get());
  return files;
}

std::unique_ptr<ResultWriter> open_folder_writer(const fs::path& path, const ResultHeader& header) {
  std::vector<std::string> replaceable{"latent.tsv.gz"};
  for (const char* matrix : {"log2", "counts", "biozero", "sd", "q05", "q95"}) {
    for (const char* file : {"matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz"}) {
      replaceable.push_back(fmt::format("{}/{}", matrix, file));
    }
  }
  std::vector<std::unique_ptr<AtomicPath>> paths;
  paths.push_back(
      std::make_unique<AtomicPath>(path, AtomicPath::Kind::folder, std::move(replaceable)));
  const AtomicPath& folder = *paths.front();
  check_names(folder.path(), header);
  const fs::path& temporary = folder.temporary();
  const auto name = [&](const fs::path& file) { return (folder.path() / file).string(); };

  std::vector<TextResultWriter::Part> parts;
  for (const Output& output : wanted_outputs(header.outputs)) {
    const fs::path inner = output.latent ? "" : output.name;
    const fs::path file = inner / (output.latent ? "latent.tsv.gz" : "matrix.mtx.gz");
    if (!output.latent) {
      fs::create_directory(temporary / inner);
      const fs::path features = inner / "features.tsv.gz";
      const fs::path barcodes = inner / "barcodes.tsv.gz";
      write_features(temporary / features, name(features), ids_and_symbols(header));
      write_names(temporary / barcodes, name(barcodes), header.cell_names);
    }
    parts.push_back({output.values, open_sink(temporary / file, name(file), output, header)});
  }
  return std::make_unique<TextResultWriter>(static_cast<std::int64_t>(header.cell_names.size()),
                                            std::move(paths), std::move(parts));
}

std::unique_ptr<ResultWriter> open_single_files_writer(const fs::path& path,
                                                       const ResultHeader& header) {
  const std::vector<Output> outputs = wanted_outputs(header.outputs);
  const NameParts parts = split_ending(path);
  const FileFormat format = format_by_name(path);
  const bool genes_only = format == FileFormat::matrix_market || format == FileFormat::tenx_h5;
  if (genes_only && outputs.front().latent) {
    throw usage_error(
        fmt::format("{}: the latent alone is not written as Matrix Market or 10x .h5; name a "
                    ".tsv, .csv, .npy or .h5ad",
                    path.string()));
  }
  if (format != FileFormat::tenx_h5) check_names(path, header);

  FileSet files(header);
  std::vector<TextResultWriter::Part> sinks;
  for (const Output& output : outputs) {
    std::string ending = parts.ending;
    if (genes_only && output.latent) ending = ending.ends_with(".gz") ? ".tsv.gz" : ".tsv";
    const std::string name =
        parts.stem.string() + (outputs.size() > 1 ? "." + output.name : std::string()) + ending;
    sinks.push_back({output.values, open_sink(files.add(name), name, output, header)});
  }
  add_name_files(files, parts, outputs, header);
  return std::make_unique<TextResultWriter>(static_cast<std::int64_t>(header.cell_names.size()),
                                            files.take(), std::move(sinks));
}

}  // namespace maskclass::io
