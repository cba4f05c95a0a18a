#include "engine/io/standard_input.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/text/text_output.h"

namespace maskclass::io {
namespace {

std::filesystem::path make_folder() {
  std::error_code ignored;
  std::filesystem::path place = std::filesystem::temp_directory_path(ignored);
  if (place.empty()) place = "/tmp";
  std::string name = (place / "maskclass-XXXXXX").string();
  if (mkdtemp(name.data()) != nullptr) return name;
  throw data_error(fmt::format("cannot make a folder for standard input in '{}': {}; set TMPDIR",
                               place.string(), system_message(errno)));
}

/// Waits in steps, so that the caller can stop it.
void wait_for_input(const Callbacks& callbacks, std::int64_t n_read) {
  constexpr int milliseconds = 100;
  pollfd input{STDIN_FILENO, POLLIN, 0};
  do {
    report_progress(callbacks, {"read", n_read >> 10, 0, "kB", 0});
  } while (poll(&input, 1, milliseconds) == 0);
}

void copy_all(const std::filesystem::path& path, const Callbacks& callbacks) {
  OutputFile file(path, path.string());
  std::vector<char> block(1 << 20);
  std::int64_t n_read = 0;
  for (;;) {
    wait_for_input(callbacks, n_read);
    const ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw data_error("standard input cannot be read: " + system_message(errno));
    }
    file.write(block.data(), n);
    n_read += n;
  }
  file.close();
  if (n_read == 0) throw data_error("standard input is empty");
}

}  // namespace

StandardInput::StandardInput(const Callbacks& callbacks) {
  if (isatty(STDIN_FILENO) == 1) {
    throw usage_error(
        "the input '-' is standard input, which is a terminal: name a file, or pipe "
        "one into this program");
  }
  folder_ = make_folder();
  try {
    const std::filesystem::path spooled = folder_ / "standard-input";
    copy_all(spooled, callbacks);
    const std::string ending = ending_by_content(spooled);
    if (ending.empty()) {
      throw data_error(
          "what came on standard input is of no known format (or is compressed twice)");
    }
    path_ = spooled.string() + ending;
    std::filesystem::rename(spooled, path_);
    known_.emplace(std::vector<std::string>{path_, folder_});
  } catch (...) {
    remove();
    throw;
  }
}

StandardInput::~StandardInput() {
  remove();
}

void StandardInput::remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace maskclass::io
