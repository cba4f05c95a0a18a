#include "cli/input_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "engine/counted.h"
#include "engine/error.h"
#include "engine/io/cell_column.h"
#include "engine/io/labels.h"
#include "engine/io/merge.h"

namespace maskclass::cli {
namespace {

namespace fs = std::filesystem;

/// --batch-key of this name means which input a cell is from, where there are several.
constexpr const char* kInputKey = "input";

void check_input_options(const InputOptions& options) {
  if (!options.cells_file.empty() && options.batch_key.empty()) {
    throw usage_error("--cells names a table of cells, but no --batch-key says which column of it");
  }
  if (std::count(options.paths.begin(), options.paths.end(), "-") > 1) {
    throw usage_error("the input '-' is given twice: there is one standard input only");
  }
}

io::Dataset read_one(const std::string& path, const InputOptions& options, int n_threads,
                     Input& input, const Callbacks& callbacks) {
  const io::ReadOptions read_options = options.read_options(n_threads);
  if (path != "-") return io::read_counts(path, read_options, callbacks);
  input.standard_input = std::make_unique<io::StandardInput>(callbacks);
  return io::read_counts(input.standard_input->path(), read_options, callbacks);
}

/// Whether --batch-key is a column that each input has itself.
bool batch_is_of_inputs(const InputOptions& options) {
  const bool of_merge = options.paths.size() > 1 && options.batch_key == kInputKey;
  return !options.batch_key.empty() && options.cells_file.empty() && !of_merge;
}

io::Grouping batches_of(const std::vector<std::string>& labels, const std::string& key,
                        const Callbacks& callbacks) {
  io::Grouping grouping = io::group(labels);
  std::string names;
  constexpr std::size_t kShown = 5;
  for (std::size_t k = 0; k < std::min(kShown, grouping.names.size()); ++k) {
    names += fmt::format("{}'{}'", k == 0 ? "" : ", ", grouping.names[k]);
  }
  if (grouping.names.size() > kShown) names += ", ...";
  const auto n_batches = std::ssize(grouping.names);
  log_line(
      callbacks,
      fmt::format("{} by '{}': {}",
                  n_batches == 1 ? "1 batch" : fmt::format("{} batches", with_thousands(n_batches)),
                  key, names));
  return grouping;
}

}  // namespace

io::ReadOptions InputOptions::read_options(int n_threads) const {
  io::ReadOptions options;
  options.layer = layer;
  options.genome = genome;
  options.header = !no_header;
  options.row_names = !no_row_names;
  options.allow_non_integer = allow_non_integer;
  options.n_threads = n_threads;
  if (orientation == "cells-are-rows") options.orientation = io::Orientation::cells_are_rows;
  if (orientation == "genes-are-rows") options.orientation = io::Orientation::genes_are_rows;
  return options;
}

void add_input_options(CLI::App& app, InputOptions& options, bool several) {
  CLI::Option* input =
      app.add_option("INPUT", options.paths,
                     std::string("Raw counts: 10x directory or .h5, .h5ad, .loom, .mtx, .csv, .tsv "
                                 "or .txt (may be .gz), .npz of scipy; - is standard input") +
                         (several ? "; several are put together" : ""))
          ->required()
          ->default_str("");
  if (!several) input->expected(1);
  const char* const group = "Input";
  app.add_option(
         "--layer", options.layer,
         "Matrix of an .h5ad (or .loom) that holds the counts: a layer's name, or raw; X if "
         "not given")
      ->group(group);
  app.add_option("--genome", options.genome, "Genome of a 10x .h5 that has several")->group(group);
  app.add_option("--orientation", options.orientation, "What the rows of a table, .mtx or .npz are")
      ->check(CLI::IsMember({"detect", "cells-are-rows", "genes-are-rows"}))
      ->group(group);
  app.add_flag("--no-header", options.no_header, "A table's first line is a row, not names")
      ->group(group);
  app.add_flag("--no-row-names", options.no_row_names,
               "A table's rows begin with values, not names")
      ->group(group);
}

void add_cell_options(CLI::App& app, InputOptions& options) {
  const char* const group = "Input";
  app.add_flag("--allow-non-integer", options.allow_non_integer,
               "Take values that are not whole numbers (FPKM, TPM) as counts")
      ->group(group);
  app.add_option("--min-cells", options.min_cells,
                 "Keep genes with a non-zero count in at least this many cells")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_flag("--drop-empty-cells", options.drop_empty_cells,
               "Leave out cells without counts instead of stopping")
      ->group(group);
  app.add_option("--batch-key", options.batch_key,
                 "Column that says which sample or run a cell is from (of obs, of cells.tsv in a "
                 "10x directory, or of --cells; `input` for the inputs themselves): genes are "
                 "ranked, and dropout is fitted, within each")
      ->group(group);
  app.add_option("--cells", options.cells_file, "Table of cells (.tsv, .csv) that has --batch-key")
      ->group(group);
}

Input read_input(const InputOptions& options, int n_threads, const Callbacks& callbacks) {
  check_input_options(options);
  Input input;
  input.damage_guard = std::make_unique<DamageGuard>(options.paths);
  std::vector<io::Dataset> parts;
  std::vector<std::string> batches;
  for (const std::string& path : options.paths) {
    parts.push_back(read_one(path, options, n_threads, input, callbacks));
    if (!batch_is_of_inputs(options)) continue;
    const auto column = io::read_cell_column(parts.back(), options.batch_key);
    batches.insert(batches.end(), column.begin(), column.end());
  }
  const bool several = parts.size() > 1;
  input.dataset = several ? io::merge(std::move(parts), callbacks) : std::move(parts.front());
  if (options.batch_key.empty()) return input;
  if (!options.cells_file.empty()) {
    batches = io::read_labels(options.cells_file, options.batch_key, input.dataset.cell_names);
  } else if (batches.empty()) {
    batches = input.dataset.cell_inputs;
  }
  io::Grouping grouping = batches_of(batches, options.batch_key, callbacks);
  input.batch_of = std::move(grouping.group_of);
  input.batch_names = std::move(grouping.names);
  return input;
}

void check_output_is_not_input(const std::vector<std::string>& inputs, const std::string& output) {
  for (const std::string& input : inputs) {
    std::error_code missing;  // A file that is not there is not the same.
    if (fs::equivalent(input, output, missing)) {
      throw usage_error("input and output are the same: " + output +
                        "; choose another name for the output");
    }
    fs::directory_iterator file(input, missing);
    if (missing) continue;
    for (const fs::directory_entry& entry : file) {
      if (!fs::equivalent(entry.path(), output, missing)) continue;
      throw usage_error(
          fmt::format("the output {} would replace a file of the input {}; choose another name for "
                      "the output",
                      output, input));
    }
  }
}

}  // namespace maskclass::cli
