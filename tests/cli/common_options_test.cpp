#include "cli/common_options.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/threads.h"

using maskclass::cli::add_common_options;
using maskclass::cli::CommonOptions;

namespace {

CommonOptions parse(const std::string& arguments) {
  CLI::App app;
  CommonOptions options;
  add_common_options(app, options);
  app.parse(arguments);
  return options;
}

}  // namespace

TEST_CASE("the options that every command shares") {
  const CommonOptions none = parse("");
  CHECK(none.thread_count() == maskclass::default_thread_count());
  CHECK_FALSE(none.quiet);
  CHECK_FALSE(none.json());
  const CommonOptions all = parse("--threads 3 --quiet --log json");
  CHECK(all.thread_count() == 3);
  CHECK(all.quiet);
  CHECK(all.json());
  CHECK_THROWS_AS(parse("--threads -1"), CLI::ParseError);
  CHECK_THROWS_AS(parse("--threads many"), CLI::ParseError);
  CHECK_THROWS_AS(parse("--log xml"), CLI::ParseError);
}
