#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "engine/io/reader.h"

namespace maskclass::cli {

/// How a command that reads counts is told what they are.
struct InputOptions {
  std::string path;
  std::string layer;
  std::string orientation = "detect";
  bool allow_non_integer = false;
  bool drop_empty_cells = false;
  int min_cells = 3;

  io::ReadOptions read_options(int n_threads) const;
};

/// Adds INPUT, --layer, --orientation, --allow-non-integer, --min-cells and --drop-empty-cells.
/// `options` must outlive the parsing and the command.
void add_input_options(CLI::App& app, InputOptions& options);

/// Throws Error{usage} where the output is the input or, where that is a folder, a file in it,
/// under whatever names.
void check_output_is_not_input(const std::string& input, const std::string& output);

}  // namespace maskclass::cli
