#pragma once

#include <filesystem>
#include <string>

#include "engine/io/dataset.h"
#include "engine/progress.h"

namespace maskclass::io {

/// What the rows of a text table or of a bare Matrix Market file are.
enum class Orientation { detect, cells_are_rows, genes_are_rows };

struct ReadOptions {
  std::string layer;  ///< AnnData: "" = X, "raw" = raw/X, else the name of a layer.
  Orientation orientation = Orientation::detect;
  bool header = true;              ///< Tables: the first line names the columns.
  bool row_names = true;           ///< Tables: the first field of a line names the row.
  std::string genome;              ///< 10x .h5: the genome whose genes are taken; "" = all.
  bool allow_non_integer = false;  ///< Take values that are not whole numbers as counts.
  bool check_values = true;        ///< Refuse what is no count; else any numbers are taken.
  int n_threads = 1;
};

/// Reads counts, of whatever format `path` is (detect_format): a 10x directory or .h5, .mtx[.gz], a
/// table, .h5ad, .loom or .npz. Names that are not unique are kept, with a log line. Throws
/// Error{usage} for options that the format has no use for, and
/// Error{data} that names file, line, cell or gene: a file that is
/// missing, empty, truncated or malformed; values that are negative, not finite, above 2^24, or
/// (unless allowed) not whole numbers, with a word on what they look like (log-transformed, scaled)
/// and which layer holds counts instead.
Dataset read_counts(const std::filesystem::path& path, const ReadOptions& options,
                    const Callbacks& callbacks = {});

}  // namespace maskclass::io
