#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace maskclass::io {

/// A matrix of cells x genes that is read in blocks of cells, dense, whatever it is on disk.
class ResultReader {
 public:
  virtual ~ResultReader() = default;
  virtual const std::vector<std::string>& cell_names() const = 0;
  virtual const std::vector<std::string>& gene_names() const = 0;
  /// Cells [first_cell, first_cell + n_cells) to out[n_cells][n_genes], row by row.
  virtual void read(std::int64_t first_cell, std::int64_t n_cells, float* out) = 0;
};

/// Opens one matrix of a file that this program (or another) wrote. For .h5ad `name` is "X",
/// "raw/X", "layers/<layer>" or "obsm/<key>" (whose columns are named 0, 1, ...); .npy,
/// .csv/.tsv[.gz] and .mtx[.gz] hold one matrix and `name` is ignored. Files without names get
/// "cell0", "gene0", ... Throws Error{data} that names the file and what is wrong.
std::unique_ptr<ResultReader> open_result(const std::filesystem::path& path,
                                          const std::string& name);

}  // namespace maskclass::io
