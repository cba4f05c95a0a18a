#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/file_format.h"
#include "engine/matrix/csr.h"

namespace maskclass::io {

/// One of several inputs that were merged.
struct MergedInput {
  std::string path;
  FileFormat format = FileFormat::unknown;
  std::int64_t n_cells = 0;
};

/// Counts with the names of their cells and genes, as read from a file.
struct Dataset {
  CsrMatrix counts;                       ///< Cells x genes, as in the file (nothing filtered).
  std::vector<std::string> cell_names;    ///< [n_cells]: barcodes, obs_names.
  std::vector<std::string> gene_names;    ///< [n_genes]: var_names; ids for 10x files.
  std::vector<std::string> gene_symbols;  ///< [n_genes], or empty where the file has one name only.
  std::vector<std::string> gene_ids;      ///< [n_genes], where gene_names are symbols and the file
                                          ///< has ids beside them; else empty.
  std::vector<std::string> gene_genomes;  ///< [n_genes], or empty: "GRCh38", as 10x .h5 files say.
  std::vector<std::string> cell_inputs;   ///< [n_cells], or empty: of several inputs, which.
  std::vector<MergedInput> inputs;        ///< Of several: each, in the order of their cells.
  std::string path;                       ///< Where it came from, for messages.
  std::string matrix;  ///< Which matrix of it: "X", "layers/counts", "raw/X", "".
  FileFormat format = FileFormat::unknown;  ///< What the file is.
};

}  // namespace maskclass::io
