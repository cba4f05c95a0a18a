#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/evaluate/cell_blocks.h"
#include "engine/io/result_reader.h"

namespace maskclass::io {

/// A file of denoised values, cut to the genes that were denoised (with `--all-genes` an .h5ad
/// holds others, too).
class DenoisedFile {
 public:
  /// `layer` is a layer of an .h5ad, or "X", "raw/X", "obsm/KEY"; other formats ignore it. Throws
  /// Error{data} that names the file and what is wrong.
  DenoisedFile(const std::filesystem::path& path, const std::string& layer);

  bool is_h5ad() const { return is_h5ad_; }
  const std::string& path() const { return path_; }
  const std::vector<std::string>& cell_names() const { return values_->cell_names(); }
  const std::vector<std::string>& gene_names() const { return gene_names_; }
  /// Ids beside names that are symbols: the column gene_ids of var; empty where there is none.
  const std::vector<std::string>& gene_ids() const { return gene_ids_; }
  /// Columns of the file that were denoised, ascending.
  const std::vector<std::int64_t>& columns() const { return columns_; }

  /// The denoised values. Reading throws Error{data} that names cell and gene of a value that is
  /// not finite. The blocks share the file's reader.
  CellBlocks values() const;
  /// Another layer of the same cells and genes, such as "biozero". Throws Error{usage} where the
  /// format holds one matrix only.
  CellBlocks layer(const std::string& name) const;

  /// obs["maskclass_library_size"], where the file has it.
  std::optional<std::vector<double>> library_sizes() const;
  /// A column of obs as text. Throws Error{usage} where the format has none.
  std::vector<std::string> cell_column(const std::string& name) const;
  /// uns["maskclass"]["min_cells"], where the file has it.
  std::optional<int> min_cells() const;

 private:
  CellBlocks blocks_of(const std::shared_ptr<ResultReader>& reader) const;

  std::string path_;
  bool is_h5ad_ = false;
  std::shared_ptr<ResultReader> values_;
  std::vector<std::int64_t> columns_;
  std::vector<std::string> gene_names_;
  std::vector<std::string> gene_ids_;
};

}  // namespace maskclass::io
