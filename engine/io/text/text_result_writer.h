#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/result_writer.h"
#include "engine/io/text/matrix_sink.h"

namespace maskclass::io {

/// Results in files of one matrix each: hands every block on to the files of its outputs.
class TextResultWriter : public ResultWriter {
 public:
  /// The file of one output: which pointer of a block it takes.
  struct Part {
    const float* ResultBlock::*values;
    std::unique_ptr<MatrixSink> sink;
  };

  TextResultWriter(std::int64_t n_cells, std::vector<std::unique_ptr<AtomicPath>> paths,
                   std::vector<Part> parts);
  void write(const ResultBlock& block) override;
  void close() override;
  std::vector<AtomicPath*> files() override;

 private:
  std::int64_t n_cells_;
  std::int64_t next_cell_ = 0;
  std::vector<std::unique_ptr<AtomicPath>> paths_;
  std::vector<Part> parts_;  // Destroyed, and so closed, before paths_.
};

/// A folder with a 10x directory (matrix.mtx.gz, features.tsv.gz, barcodes.tsv.gz) for each of
/// log2, counts and biozero that is asked for, and latent.tsv.gz. What an earlier run wrote there
/// is replaced.
std::unique_ptr<ResultWriter> open_folder_writer(const std::filesystem::path& path,
                                                 const ResultHeader& header);

/// One file an output, with the output's name before the ending where there are several; genes
/// and cells of .npy stand beside it in NAME.genes.txt and NAME.cells.txt, of .mtx in
/// NAME.features.tsv and NAME.barcodes.tsv. The latent of .mtx and of 10x .h5 goes to a .tsv.
std::unique_ptr<ResultWriter> open_single_files_writer(const std::filesystem::path& path,
                                                       const ResultHeader& header);

}  // namespace maskclass::io
