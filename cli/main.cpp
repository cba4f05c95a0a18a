#include <fmt/core.h>

#include <cstdio>

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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("MaskClass: a masked denoising autoencoder for single-cell RNA-seq counts");
  app.require_subcommand(1);
  cli::add_evaluate(app);
  cli::add_simulate(app);
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
