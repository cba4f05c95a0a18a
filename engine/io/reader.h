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
  bool allow_non_integer = false;  ///< Take values that are not whole numbers as counts.
  int n_threads = 1;
};

/// Reads counts, of whatever format `path` is: a 10x Matrix Market directory, .mtx[.gz],
/// .csv/.tsv[.gz] or .h5ad. Throws Error{data} that names file, line, cell or gene: a file that is
/// missing, empty, truncated or malformed; values that are negative, not finite, above 2^24, or
/// (unless allowed) not whole numbers, with a word on what they look like (log-transformed, scaled)
/// and which layer holds counts instead.
Dataset read_counts(const std::filesystem::path& path, const ReadOptions& options,
                    const Callbacks& callbacks = {});

}  // namespace maskclass::io
