#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/program.h"

namespace {

namespace cli = maskclass::cli;

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

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  ignore_signals_of_writing();
  const int code = cli::run_program(argc, argv);
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
