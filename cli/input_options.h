#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/damage.h"
#include "engine/io/reader.h"
#include "engine/io/standard_input.h"

namespace maskclass::cli {

/// How a command that reads counts is told what they are.
struct InputOptions {
  std::vector<std::string> paths;  ///< At least one; "-" is standard input.
  std::string layer;
  std::string orientation = "detect";
  std::string genome;
  bool no_header = false;
  bool no_row_names = false;
  bool allow_non_integer = false;
  bool drop_empty_cells = false;
  int min_cells = 3;
  std::string batch_key;
  std::string cells_file;

  io::ReadOptions read_options(int n_threads) const;
};

/// Adds INPUT, which may be several where `several`, and the options that say how it is read.
/// `options` must outlive the parsing and the command.
void add_input_options(CLI::App& app, InputOptions& options, bool several = true);
/// Adds --min-cells, --drop-empty-cells, --batch-key and --cells.
void add_cell_options(CLI::App& app, InputOptions& options);

/// What was read.
struct Input {
  std::unique_ptr<DamageGuard> damage_guard;          ///< As long as the inputs may be read from.
  std::unique_ptr<io::StandardInput> standard_input;  ///< Its file is the data set's, where given.
  io::Dataset dataset;
  std::vector<std::int32_t> batch_of;    ///< [n_cells], or empty without --batch-key.
  std::vector<std::string> batch_names;  ///< [n_batches], likewise
};

/// Reads all inputs, merged where they are several (io::merge), and the batches of their cells.
/// Throws what io::read_counts and io::read_labels throw.
Input read_input(const InputOptions& options, int n_threads, const Callbacks& callbacks);

/// Throws Error{usage} where the output is one of the inputs or, where that is a folder, a file in
/// it, under whatever names.
void check_output_is_not_input(const std::vector<std::string>& inputs, const std::string& output);

}  // namespace maskclass::cli
