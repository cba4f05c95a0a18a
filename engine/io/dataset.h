#pragma once

#include <string>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass::io {

/// Counts with the names of their cells and genes, as read from a file.
struct Dataset {
  CsrMatrix counts;                       ///< Cells x genes, as in the file (nothing filtered).
  std::vector<std::string> cell_names;    ///< [n_cells]: barcodes, obs_names.
  std::vector<std::string> gene_names;    ///< [n_genes]: var_names; ids for 10x directories.
  std::vector<std::string> gene_symbols;  ///< [n_genes], or empty where the file has one name only.
  std::string path;                       ///< Where it came from, for messages.
  std::string matrix;  ///< Which matrix of it: "X", "layers/counts", "raw/X", "".
};

}  // namespace maskclass::io
