#include "engine/io/result_writer.h"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_writer.h"
#include "engine/io/text/text_result_writer.h"

namespace maskclass::io {

namespace {

/// Some formats are read under other names, too.
bool is_written(const std::filesystem::path& path) {
  const std::string ending = split_ending(path).ending;
  return !ending.starts_with(".txt") && !ending.starts_with(".tab") && ending != ".hdf5";
}

/// Hands every block on to several writers.
class SeveralWriters : public ResultWriter {
 public:
  explicit SeveralWriters(std::vector<std::unique_ptr<ResultWriter>> writers)
      : writers_(std::move(writers)) {}

  void write(const ResultBlock& block) override {
    for (const auto& writer : writers_) writer->write(block);
  }
  void close() override {
    for (const auto& writer : writers_) writer->close();
  }
  std::vector<AtomicPath*> files() override {
    std::vector<AtomicPath*> all;
    for (const auto& writer : writers_) {
      for (AtomicPath* file : writer->files()) all.push_back(file);
    }
    return all;
  }
  std::vector<std::string> left_out() const override {
    for (const auto& writer : writers_) {
      if (auto names = writer->left_out(); !names.empty()) return names;
    }
    return {};
  }

 private:
  std::vector<std::unique_ptr<ResultWriter>> writers_;
};

void refuse_same_file(const std::vector<std::filesystem::path>& paths) {
  std::set<std::filesystem::path> seen;
  for (const std::filesystem::path& path : paths) {
    if (seen.insert(weakly_canonical(absolute(path))).second) continue;
    throw usage_error(fmt::format("two outputs would write {}; choose other names", path.string()));
  }
}

}  // namespace

std::unique_ptr<ResultWriter> open_result_writer(const std::filesystem::path& path,
                                                 const ResultHeader& header) {
  switch (format_by_name(path)) {
    case FileFormat::h5ad:
#ifdef MASKCLASS_HAS_HDF5
      return open_h5ad_writer(path, header);
#else
      refuse_hdf5(path);
#endif
    case FileFormat::folder:
      return open_folder_writer(path, header);
    case FileFormat::tenx_h5:
#ifndef MASKCLASS_HAS_HDF5
      refuse_hdf5(path);
#endif
    case FileFormat::matrix_market:
    case FileFormat::table:
    case FileFormat::npy:
      if (!is_written(path)) break;
      return open_single_files_writer(path, header);
    default:
      break;
  }
  throw usage_error(fmt::format(
      "{}: the ending of the output's name must be .h5ad, .h5, .mtx[.gz], .csv[.gz], .tsv[.gz] or "
      ".npy; a name without ending, or with '/' behind it, is a folder of 10x directories",
      path.string()));
}

std::unique_ptr<ResultWriter> open_result_writers(const std::vector<std::filesystem::path>& paths,
                                                  const ResultHeader& header) {
  std::vector<std::unique_ptr<ResultWriter>> writers;
  for (const std::filesystem::path& path : paths) {
    writers.push_back(open_result_writer(path, header));
  }
  auto all = std::make_unique<SeveralWriters>(std::move(writers));
  refuse_same_file(all->paths());
  return all;
}

std::vector<std::filesystem::path> check_result_paths(
    const std::vector<std::filesystem::path>& paths, const Outputs& outputs) {
  // A writer that is never finished leaves nothing behind.
  const std::vector<std::int64_t> indptr{0, 0};
  ResultHeader header;
  header.outputs = outputs;
  header.cell_names = {"cell"};
  header.gene_names = {"gene"};
  header.source_cells = {0};
  header.source_genes = {0};
  header.counts = {1, 1, indptr, {}, {}};
  header.latent_width = 1;
  header.library_size = {1};
  header.denoised = {1};
  header.parameters_json = "{}";
  return open_result_writers(paths, header)->paths();
}

void ResultWriter::finish() {
  close();
  finish_all(files());
}

std::vector<std::filesystem::path> ResultWriter::paths() {
  std::vector<std::filesystem::path> names;
  for (const AtomicPath* file : files()) names.push_back(file->path());
  return names;
}

}  // namespace maskclass::io
