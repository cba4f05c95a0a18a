#pragma once

#include <filesystem>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads a dense table of cells and genes, plain or gzip: a header row with names (with or without
/// a field in the corner), then a name and its values a line; fields may be quoted. Without
/// options.header or options.row_names the one or the other is not there, and names are numbered.
/// Separators are told by the ending of the name and, for .txt, by the first line. Which of rows
/// and columns are cells comes from options.orientation or, with a log line, from the names where
/// they leave no doubt. Zeros are not kept; values are not checked to be counts. At most 16 bytes a
/// non-zero are held. Throws Error{data} with file:line for a row of another length than the
/// header, a field that is no number and a missing header; Error{usage} that names --orientation
/// where the names do not tell.
Dataset read_table(const std::filesystem::path& path, const ReadOptions& options,
                   const Callbacks& callbacks);

}  // namespace maskclass::io
