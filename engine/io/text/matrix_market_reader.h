#pragma once

#include <filesystem>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads a 10x directory: matrix.mtx, features.tsv (or genes.tsv) and barcodes.tsv, each plain or
/// gzip, with or without a prefix on their names. gene_names are the ids (first column),
/// gene_symbols the second. Where the third column names several types, "Gene Expression" alone is
/// kept, and one log line tells of the rest. The matrix is genes x cells, or cells x genes where
/// only that agrees with the names. Values are not checked to be counts. Throws Error{data} that
/// names the file (and line), Error{usage} where options.orientation contradicts the names or the
/// directory holds several matrices.
Dataset read_matrix_market_folder(const std::filesystem::path& folder, const ReadOptions& options,
                                  const Callbacks& callbacks);

/// Reads one .mtx[.gz]. Names come from files beside it: PREFIXbarcodes.tsv and PREFIXfeatures.tsv
/// (or genes.tsv), plain or gzip, where the matrix is PREFIXmatrix.mtx, PREFIX.mtx or
/// PREFIX.anything.mtx (then with a "." after PREFIX), or has no PREFIX before their names; where
/// there are none, the names are cell0, gene0, ... and, without options.orientation, the rows are
/// genes, as 10x writes it: a log line says so.
Dataset read_matrix_market_file(const std::filesystem::path& path, const ReadOptions& options,
                                const Callbacks& callbacks);

/// The matrix `matrix_path` with the names in `features_path` and `barcodes_path`.
Dataset read_matrix_market_with_names(const std::filesystem::path& matrix_path,
                                      const std::filesystem::path& features_path,
                                      const std::filesystem::path& barcodes_path,
                                      const ReadOptions& options, const Callbacks& callbacks);

}  // namespace maskclass::io
