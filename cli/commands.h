#pragma once

#include <CLI/CLI.hpp>

namespace maskclass::cli {

/// What a command returns to the shell.
enum ExitCode : int {
  success = 0,
  data_failure = 1,
  usage_failure = 2,
  device_failure = 3,
  interrupted = 130
};

/// Each adds one subcommand, in the file of its name, and the work it does when chosen.
void add_denoise(CLI::App& app);
void add_simulate(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_hvg(CLI::App& app);
void add_inspect(CLI::App& app);
void add_info(CLI::App& app);

}  // namespace maskclass::cli
