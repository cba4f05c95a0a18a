#include "cli/common_options.h"

#include <charconv>
#include <limits>

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

namespace {

/// What CLI11 would take for another seed: -1 for the largest, 2^64 for 2^64 - 1.
std::string refuse_other_than_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && stop == end) return "";
  return "'" + text + "' is not a whole number from 0 to " +
         std::to_string(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

void add_seed_option(CLI::App& app, std::uint64_t& seed, const std::string& help) {
  app.add_option("--seed", seed, help)
      ->check(CLI::Validator(refuse_other_than_seed, ""))
      ->capture_default_str();
}

}  // namespace maskclass::cli
