#pragma once

#include <CLI/CLI.hpp>

namespace maskclass::cli {

/// Each adds one subcommand, in the file of its name, and the work it does when chosen.
void add_denoise(CLI::App& app);
void add_simulate(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_hvg(CLI::App& app);
void add_inspect(CLI::App& app);
void add_info(CLI::App& app);

}  // namespace maskclass::cli
