#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/dataset.h"

namespace maskclass::io {

/// Which results a file holds (`--outputs`).
struct Outputs {
  bool log2 = true;      ///< layers["maskclass"]: denoised log2(1 + normalised count).
  bool counts = true;    ///< layers["denoised"]: the same on the scale of the counts.
  bool latent = true;    ///< obsm["X_maskclass"]
  bool biozero = false;  ///< layers["biozero"]: probability that a zero is biological.
  bool sd = false;       ///< layers["maskclass_sd"]: standard deviation of log2.
  bool q05 = false;      ///< layers["maskclass_q05"]: its 5 % quantile.
  bool q95 = false;      ///< layers["maskclass_q95"]: its 95 % quantile.
};

/// All of a result but the large matrices, which come in blocks of cells.
struct ResultHeader {
  Outputs outputs;
  std::vector<std::string> cell_names;     ///< [n_cells written]
  std::vector<std::string> gene_names;     ///< [n_genes written]
  std::vector<std::string> gene_symbols;   ///< [n_genes written], or empty.
  std::vector<std::string> gene_ids;       ///< [n_genes written], or empty: see Dataset.
  std::vector<std::string> gene_genomes;   ///< [n_genes written], or empty.
  std::vector<std::string> cell_inputs;    ///< [n_cells written], or empty: see Dataset.
  std::vector<MergedInput> inputs;         ///< Or empty: see Dataset. Their obs are joined.
  std::vector<std::int64_t> source_cells;  ///< [n_cells]: row in the input, ascending.
  std::vector<std::int64_t> source_genes;  ///< [n_genes]: column in the input, ascending.
  CsrView counts;  ///< Cells x genes written: the input's counts (X of an .h5ad).
  std::int64_t latent_width = 0;
  std::vector<double> library_size;    ///< [n_cells]: obs["maskclass_library_size"], over all genes
                                       ///< that passed --min-cells, not only those written.
  std::vector<std::uint8_t> denoised;  ///< [n_genes]: 1 where the gene was denoised.
  std::vector<std::uint8_t> highly_variable;  ///< [n_genes], or empty where none were selected.
  std::vector<float> hvg_rank;   ///< [n_genes], from 0; NaN where not chosen; or empty.
  int compression = 0;           ///< Of .h5ad and .h5: gzip's level, 1 to 9; 0 is none.
  std::filesystem::path source;  ///< The input.
  bool source_is_h5ad = false;   ///< Then all of it that is not ours is carried over to an .h5ad.
  std::string source_matrix;     ///< Dataset::matrix of the input: raw/X has a var of its own.
  std::string parameters_json;   ///< One flat JSON object: uns["maskclass"], without the history.
  std::vector<std::pair<std::string, std::vector<double>>>
      history;  ///< Loss by epoch: name, values.
};

/// The results of consecutive cells; a pointer is null where its output was not asked for.
struct ResultBlock {
  std::int64_t first_cell = 0;
  std::int64_t n_cells = 0;
  const float* log2 = nullptr;     ///< [n_cells][n_genes]
  const float* counts = nullptr;   ///< [n_cells][n_genes]
  const float* latent = nullptr;   ///< [n_cells][latent_width]
  const float* biozero = nullptr;  ///< [n_cells][n_genes]
  const float* sd = nullptr;       ///< [n_cells][n_genes]
  const float* q05 = nullptr;      ///< [n_cells][n_genes]
  const float* q95 = nullptr;      ///< [n_cells][n_genes]
};

/// Writes results next to their final name and renames them when all is on disk; destroyed before
/// finish(), it removes what it wrote.
class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  /// Blocks come in order and cover every cell once.
  virtual void write(const ResultBlock& block) = 0;
  /// Completes and closes all files, which keep their temporary names.
  virtual void close() = 0;
  /// All that is written, to be finished together.
  virtual std::vector<AtomicPath*> files() = 0;
  /// What of the input should have been carried over and could not be: "obsm/X_odd".
  virtual std::vector<std::string> left_out() const { return {}; }

  /// close(), then all files get their names (finish_all).
  void finish();
  /// The final names of all that is written.
  std::vector<std::filesystem::path> paths();
};

/// Opens a writer for the format that the name of `path` says: .h5ad; a name that ends in "/" or
/// has no ending is a folder of 10x directories; .csv/.tsv[.gz], .mtx[.gz], 10x .h5 and .npy hold
/// one output each (more than one: the output's name goes before the ending). Throws Error{data}
/// where the folder is missing or not writable, Error{usage} for an unknown ending.
std::unique_ptr<ResultWriter> open_result_writer(const std::filesystem::path& path,
                                                 const ResultHeader& header);

/// The same for several formats at once. Throws Error{usage} where two of them would write the same
/// file.
std::unique_ptr<ResultWriter> open_result_writers(const std::vector<std::filesystem::path>& paths,
                                                  const ResultHeader& header);

/// Throws what open_result_writers() would throw for these names, so that a long job need not find
/// out at its end. Returns the names of all that will be written.
std::vector<std::filesystem::path> check_result_paths(
    const std::vector<std::filesystem::path>& paths, const Outputs& outputs);

}  // namespace maskclass::io
