#include "cli/input_options.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/error.h"

namespace maskclass::cli {

io::ReadOptions InputOptions::read_options(int n_threads) const {
  io::ReadOptions options;
  options.layer = layer;
  options.allow_non_integer = allow_non_integer;
  options.n_threads = n_threads;
  if (orientation == "cells-are-rows") options.orientation = io::Orientation::cells_are_rows;
  if (orientation == "genes-are-rows") options.orientation = io::Orientation::genes_are_rows;
  return options;
}

void add_input_options(CLI::App& app, InputOptions& options) {
  app.add_option("INPUT", options.path,
                 "Raw counts: 10x directory, .mtx[.gz], .csv/.tsv[.gz] or .h5ad")
      ->required();
  app.add_option("--layer", options.layer,
                 "Matrix of an .h5ad that holds the counts: a layer's name, or raw; X if not given")
      ->group("Input");
  app.add_option("--orientation", options.orientation, "What the rows of a .csv, .tsv or .mtx are")
      ->check(CLI::IsMember({"detect", "cells-are-rows", "genes-are-rows"}))
      ->group("Input");
  app.add_flag("--allow-non-integer", options.allow_non_integer,
               "Take values that are not whole numbers (FPKM, TPM) as counts")
      ->group("Input");
  app.add_option("--min-cells", options.min_cells,
                 "Keep genes with a non-zero count in at least this many cells")
      ->check(CLI::NonNegativeNumber)
      ->group("Input");
  app.add_flag("--drop-empty-cells", options.drop_empty_cells,
               "Leave out cells without counts instead of stopping")
      ->group("Input");
}

void check_output_is_not_input(const std::string& input, const std::string& output) {
  namespace fs = std::filesystem;
  std::error_code missing;  // A file that is not there is not the same.
  if (fs::equivalent(input, output, missing)) {
    throw usage_error("input and output are the same: " + output +
                      "; choose another name for the output");
  }
  fs::directory_iterator file(input, missing);
  if (missing) return;
  for (const fs::directory_entry& entry : file) {
    if (fs::equivalent(entry.path(), output, missing)) {
      throw usage_error(
          fmt::format("the output {} would replace a file of the input {}; choose another name for "
                      "the output",
                      output, input));
    }
  }
}

}  // namespace maskclass::cli
