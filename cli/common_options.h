#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
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

/// Adds --seed, which takes every 64-bit number and nothing else.
void add_seed_option(CLI::App& app, std::uint64_t& seed, const std::string& help);

}  // namespace maskclass::cli
