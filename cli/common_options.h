#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace maskclass::cli {

/// What every subcommand that works for a while understands.
struct CommonOptions {
  int threads = 0;  ///< 0: as many as this process may use.
  bool quiet = false;
  std::string log = "text";  ///< "text" or "json".

  bool json() const { return log == "json"; }
  /// At least 1.
  int thread_count() const;
};

/// Adds --threads, --quiet and --log. `options` must outlive the parsing and the command.
void add_common_options(CLI::App& app, CommonOptions& options);

}  // namespace maskclass::cli
