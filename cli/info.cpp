#include <fmt/core.h>

#include "cli/commands.h"
#include "engine/threads.h"
#include "kernels/cpu/instruction_set.h"

namespace maskclass::cli {

void add_info(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("info", "Version, build options, instruction set, devices");
  command->callback([] {
    fmt::print("maskclass {}\n", MASKCLASS_VERSION);
    fmt::print("instruction set: {}\n", cpu::instruction_set());
    fmt::print("threads: {}\n", default_thread_count());
  });
}

}  // namespace maskclass::cli
