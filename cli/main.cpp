#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/commands.h"
#include "engine/error.h"

namespace {

using maskclass::ErrorKind;
namespace cli = maskclass::cli;

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return cli::usage_failure;
    case ErrorKind::data:
      return cli::data_failure;
    case ErrorKind::device:
      return cli::device_failure;
    case ErrorKind::cancelled:
      return cli::interrupted;
  }
  return cli::data_failure;
}

/// A standard stream that the caller closed (`2>&-`) would be the next file that is opened, and
/// messages would end up in a result.
void occupy_closed_streams() {
  int descriptor = 0;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) {
    descriptor = open("/dev/null", O_RDONLY);  // Writing to it fails, as it should.
  }
  if (descriptor >= 0) close(descriptor);
}

/// Where nobody reads the messages any more, or a file reaches the limit of `ulimit -f`, writing
/// fails; the program is not to end there and then, leaving its temporary files behind.
void ignore_signals_of_writing() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

int run(int argc, char** argv) {
  CLI::App app("MaskClass: a masked denoising autoencoder for single-cell RNA-seq counts");
  app.require_subcommand(1);
  app.set_version_flag("--version", "maskclass " MASKCLASS_VERSION);
  cli::add_denoise(app);
  cli::add_hvg(app);
  cli::add_simulate(app);
  cli::add_evaluate(app);
  cli::add_inspect(app);
  cli::add_info(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? cli::success : cli::usage_failure;
  } catch (const maskclass::Error& error) {
    fmt::print(stderr, "maskclass: {}\n", error.what());
    return exit_code_of(error.kind());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "maskclass: out of memory; `--dry-run` says how much a job takes\n");
    return cli::data_failure;
  } catch (const std::exception& error) {
    fmt::print(stderr, "maskclass: {}\n", error.what());
    return cli::data_failure;
  }
  return cli::success;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  ignore_signals_of_writing();
  const int code = run(argc, argv);
  // Until here, what was printed may be in memory alone.
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (code == cli::success && !is_written) {
    fmt::print(stderr, "maskclass: cannot write to standard output: {}\n", std::strerror(errno));
    return cli::data_failure;
  }
  if (code != cli::success) {
    // All is cleaned up. HDF5's own exit handler would crash on a file that it could not write.
    std::fflush(nullptr);
    std::_Exit(code);
  }
  return code;
}
