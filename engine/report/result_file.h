#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/denoise.h"
#include "engine/io/dataset.h"
#include "engine/io/result_writer.h"
#include "engine/progress.h"

namespace maskclass::report {

/// What a result file holds, beside the results.
struct ResultFileOptions {
  io::Outputs outputs;
  /// Every gene of the input is written; those that were not denoised hold their observed values.
  bool all_genes = false;
  std::string parameters_json;  ///< See io::ResultHeader.
  int compression = 0;          ///< See io::ResultHeader.
  /// A file that is complete and gets its name together with the results; or null.
  io::AtomicPath* also = nullptr;
};

/// Writes the results of a trained network to files of one or several formats, a block of cells at
/// a time; they appear together or not at all. `dataset` is the input, of which names are used and,
/// where all genes are written, counts.
void write_results(Denoiser& denoiser, const io::Dataset& dataset,
                   const std::vector<std::filesystem::path>& paths,
                   const ResultFileOptions& options, int n_threads, const Callbacks& callbacks);

/// Bytes that write_results puts on disk as .h5ad, or in a dense binary file: an upper bound up to
/// names and headers.
std::int64_t result_bytes(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_nonzeros,
                          std::int64_t latent, const io::Outputs& outputs);

/// Bytes of memory that write_results takes for its blocks.
/// `n_denoised` of the `n_genes` written are denoised.
std::int64_t block_bytes(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_denoised,
                         const io::Outputs& outputs);

}  // namespace maskclass::report
