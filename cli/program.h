#pragma once

namespace maskclass::cli {

/// What the program returns to the shell.
enum ExitCode : int {
  success = 0,
  data_failure = 1,
  usage_failure = 2,
  device_failure = 3,
  interrupted = 130
};

/// Parses the arguments and runs the subcommand that they name; what went wrong is told on standard
/// error. Throws nothing. What it printed may not be flushed yet.
int run_program(int argc, char** argv);

}  // namespace maskclass::cli
