#include "cli/program.h"

#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <new>

#include "cli/commands.h"
#include "engine/error.h"

namespace maskclass::cli {
namespace {

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return usage_failure;
    case ErrorKind::data:
      return data_failure;
    case ErrorKind::device:
      return device_failure;
    case ErrorKind::cancelled:
      return interrupted;
  }
  return data_failure;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App app("MaskClass: a masked denoising autoencoder for single-cell RNA-seq counts");
  app.require_subcommand(1);
  app.set_version_flag("--version", "maskclass " MASKCLASS_VERSION);
  add_denoise(app);
  add_hvg(app);
  add_simulate(app);
  add_evaluate(app);
  add_inspect(app);
  add_info(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? success : usage_failure;
  } catch (const Error& error) {
    fmt::print(stderr, "maskclass: {}\n", error.what());
    return exit_code_of(error.kind());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "maskclass: out of memory; `--dry-run` says how much a job takes\n");
    return data_failure;
  } catch (const std::exception& error) {
    fmt::print(stderr, "maskclass: {}\n", error.what());
    return data_failure;
  }
  return success;
}

}  // namespace maskclass::cli
