#pragma once

#include <filesystem>
#include <vector>

#include "engine/io/dataset.h"
#include "engine/io/inspection.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads the counts of an AnnData file (written by anndata 0.7 or newer): X, raw/X or a layer, as
/// `options.layer` says, stored as csr_matrix, csc_matrix or dense, in any numeric type. The names
/// of genes are those of var, or of raw/var for raw/X; symbols are its column gene_symbols,
/// gene_name, feature_name or gene_short_name. Needs up to 16 bytes a non-zero while it reads, 8
/// afterwards. Throws Error{data} for a file or matrix that is damaged (with the cell or gene), and
/// where the matrix holds no counts: the message then names the flag of one that does.
Dataset read_h5ad(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks = {});

/// Whether a column of var is one that symbols or ids of genes are read from.
bool is_gene_name_column(const std::string& column);

/// Every matrix of cells x genes in the file, and what its first values look like.
std::vector<MatrixChoice> h5ad_choices(const std::filesystem::path& path);

}  // namespace maskclass::io
