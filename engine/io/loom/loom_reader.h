#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads a Loom file (linnarssonlab.org/loompy/format): `matrix`, or the layer that options.layer
/// names, genes x cells. Cells are named by the first of the attributes CellID, obs_names, barcodes
/// that is there; genes by Gene, var_names, gene_names, with ids from Accession or gene_ids; where
/// there is none they are numbered, with a log line. Values are not checked to be counts. Throws
/// Error{data} that names the object where it is missing, damaged or of another length.
Dataset read_loom(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks);

/// An attribute of its cells (col_attrs) as text. Throws Error{data} where it is not there.
std::vector<std::string> read_loom_column(const std::filesystem::path& path,
                                          const std::string& column);

}  // namespace maskclass::io
