#include "cli/console.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"

using namespace maskclass;
using maskclass::cli::Console;

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// What a Console with these options writes to a plain file while `job` runs.
std::string written_to_file(bool quiet, bool json, const std::function<void(Console&)>& job) {
  const File file(std::tmpfile(), &std::fclose);
  REQUIRE(file != nullptr);
  {
    Console console(quiet, json, file.get());
    job(console);
  }
  std::string text(std::ftell(file.get()), '\0');
  std::rewind(file.get());
  REQUIRE(std::fread(text.data(), 1, text.size(), file.get()) == text.size());
  return text;
}

/// The same on a terminal of so many columns.
std::string written_to_terminal(int columns, const std::function<void(Console&)>& job) {
  setenv("TERM", "xterm", 1);
  const int user_side = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(user_side >= 0);
  REQUIRE(grantpt(user_side) == 0);
  REQUIRE(unlockpt(user_side) == 0);
  const int program_side = open(ptsname(user_side), O_RDWR | O_NOCTTY);
  REQUIRE(program_side >= 0);
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(columns);
  REQUIRE(ioctl(program_side, TIOCSWINSZ, &size) == 0);
  termios settings = {};
  REQUIRE(tcgetattr(program_side, &settings) == 0);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // bytes as they are written
  REQUIRE(tcsetattr(program_side, TCSANOW, &settings) == 0);
  {
    const File stream(fdopen(program_side, "w"), &std::fclose);
    Console console(false, false, stream.get());
    job(console);
  }
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(user_side, buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  close(user_side);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void two_stages(Console& console) {
  const Callbacks callbacks = console.callbacks();
  for (int i = 0; i <= 500; ++i) report_progress(callbacks, {"read", i, 0, "MB", 0});
  log_line(callbacks, "12 genes are constant");
  for (int i = 0; i <= 300; ++i) report_progress(callbacks, {"train", i, 300, "epochs", 0.25});
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("in a file: a line at the end of every stage, not one a report") {
  const auto lines = lines_of(written_to_file(false, false, two_stages));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "12 genes are constant");
  CHECK(lines[1].rfind("read  500 MB", 0) == 0);
  CHECK(lines[2].rfind("train  300/300 epochs  loss 0.25", 0) == 0);
  CHECK(lines[2].find("  in 0.0 s") != std::string::npos);
}

TEST_CASE("a stage that breaks off still leaves its last state") {
  const auto lines = lines_of(written_to_file(false, false, [](Console& console) {
    report_progress(console.callbacks(), {"train", 7, 300, "epochs", 0.5});
  }));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == "train  7/300 epochs  loss 0.5");
}

TEST_CASE("a stage that runs twice is told twice, and a repeated end once") {
  const auto lines = lines_of(written_to_file(false, false, [](Console& console) {
    for (int run = 0; run < 2; ++run) {
      for (const int done : {0, 1, 2, 2, 2}) {
        report_progress(console.callbacks(), {"cluster", done, 2, "starts", 0});
      }
    }
  }));
  CHECK(lines.size() == 2);
}

TEST_CASE("JSON: an object a line") {
  const auto lines = lines_of(written_to_file(false, true, two_stages));
  REQUIRE(lines.size() == 3);
  CHECK(nlohmann::json::parse(lines[0])["note"] == "12 genes are constant");
  CHECK(nlohmann::json::parse(lines[1])["done"] == 500);
  const auto last = nlohmann::json::parse(lines[2]);
  CHECK(last["stage"] == "train");
  CHECK(last["done"] == 300);
  CHECK(last["loss"] == 0.25);
}

TEST_CASE("quiet says nothing") {
  CHECK(written_to_file(true, false, two_stages).empty());
  CHECK(written_to_file(true, true, two_stages).empty());
}

TEST_CASE("on a terminal: a bar that is drawn over itself") {
  const std::string text = written_to_terminal(60, two_stages);
  // Each stage: its first report and its end, since all takes less than a tenth of a second.
  const int redraws = count(text, "\r\x1b[K");
  CHECK(redraws >= 4);
  CHECK(redraws < 20);
  CHECK(text.find("12 genes are constant\n") != std::string::npos);
  CHECK(text.find("train [") != std::string::npos);
  CHECK(text.find("300/300 epochs") != std::string::npos);
  CHECK(text.back() == '\n');
  for (const std::string& line : lines_of(text)) {
    const auto last_drawn = line.rfind("\x1b[K");
    CHECK(line.size() - (last_drawn == std::string::npos ? 0 : last_drawn + 3) < 60);
  }
}

TEST_CASE("a bar is left behind on a line of its own when the job breaks off") {
  const std::string text = written_to_terminal(80, [](Console& console) {
    report_progress(console.callbacks(), {"train", 7, 300, "epochs", 0.5});
  });
  CHECK(text.back() == '\n');
  CHECK(count(text, "\n") == 1);
}

TEST_CASE("Ctrl-C stops the engine at its next report") {
  for (const bool quiet : {false, true}) {
    const File file(std::tmpfile(), &std::fclose);
    Console console(quiet, false, file.get());
    const Callbacks callbacks = console.callbacks();
    report_progress(callbacks, {"train", 1, 300, "epochs", 0.5});
    std::raise(SIGINT);
    try {
      report_progress(callbacks, {"train", 2, 300, "epochs", 0.5});
      FAIL("the job went on");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::cancelled);
    }
  }
}
