#include "cli/common_options.h"

#include "engine/threads.h"

namespace maskclass::cli {

int CommonOptions::thread_count() const {
  return threads > 0 ? threads : default_thread_count();
}

void add_common_options(CLI::App& app, CommonOptions& options) {
  constexpr int kMostThreads = 1024;
  app.add_option("--threads", options.threads, "Threads; 0: all that this process may use")
      ->check(CLI::Range(0, kMostThreads))
      ->capture_default_str();
  app.add_flag("--quiet", options.quiet, "Say nothing but errors");
  app.add_option("--log", options.log, "How progress is told on standard error")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

}  // namespace maskclass::cli
