#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace maskclass::cli {
namespace {

constexpr const char* kClearLine = "\r\x1b[K";

/// Whether the stream understands kClearLine.
bool is_terminal(std::FILE* stream) {
  const char* type = std::getenv("TERM");
  return isatty(fileno(stream)) == 1 && type != nullptr && std::string_view(type) != "dumb";
}

/// Columns that a line may take without wrapping.
int columns_of(std::FILE* stream) {
  winsize size = {};
  const bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return (known ? size.ws_col : 80) - 1;
}

}  // namespace

Console::Console(bool quiet, bool json, std::FILE* stream)
    : stream_(stream),
      style_(quiet                 ? Style::silent
             : json                ? Style::json
             : is_terminal(stream) ? Style::terminal
                                   : Style::lines) {}

Console::~Console() {
  finish_stage();
}

Callbacks Console::callbacks() {
  return {[this](const Progress& progress) { return report(progress); },
          [this](const std::string& line) { note(line); }};
}

void Console::note(const std::string& line) {
  if (style_ == Style::silent) return;
  print_line(style_ == Style::json ? note_json(line) : line);
}

bool Console::report(const Progress& progress) {
  const Clock::time_point now = Clock::now();
  if (style_ != Style::silent) {
    // Fewer done than before: the same stage once more, as the clustering of a second matrix.
    if (progress.stage != last_.stage || progress.done < last_.done) begin_stage(progress, now);
    is_shown_ = is_shown_ && progress.done == last_.done;
    last_ = progress;
    last_report_ = now;
    const bool is_finished = progress.total > 0 && progress.done >= progress.total;
    if (is_finished) {
      finish_stage();
    } else if (std::chrono::duration<double>(now - last_shown_).count() >=
               seconds_between_reports()) {
      show(now);
    }
  }
  return !InterruptGuard::is_interrupted();
}

void Console::begin_stage(const Progress& progress, Clock::time_point now) {
  finish_stage();
  done_at_start_ = progress.done;
  stage_start_ = now;
  // A bar is there at once; a line says something only when some time has gone by.
  last_shown_ = style_ == Style::terminal ? Clock::time_point() : now;
  is_shown_ = false;
}

void Console::finish_stage() {
  if (!last_.stage.empty() && !is_shown_) show(last_report_);
  if (is_bar_on_screen_) write("\n");
  is_bar_on_screen_ = false;
}

void Console::show(Clock::time_point now) {
  switch (style_) {
    case Style::silent:
      break;
    case Style::terminal:
      write(kClearLine + progress_bar(last_, pace(now), columns_of(stream_)));
      is_bar_on_screen_ = true;
      break;
    case Style::lines:
      print_line(progress_line(last_, pace(now)));
      break;
    case Style::json:
      print_line(progress_json(last_, pace(now)));
      break;
  }
  last_shown_ = now;
  is_shown_ = true;
}

void Console::print_line(const std::string& line) {
  if (is_bar_on_screen_) {
    // The next report draws the bar again, below the line.
    write(kClearLine);
    is_bar_on_screen_ = false;
    is_shown_ = false;
    last_shown_ = Clock::time_point();
  }
  write(line + "\n");
}

void Console::write(const std::string& text) {
  // That nobody listens is no reason to stop: errors are ignored.
  std::fputs(text.c_str(), stream_);
  std::fflush(stream_);
}

Pace Console::pace(Clock::time_point now) const {
  Pace pace;
  pace.elapsed = std::chrono::duration<double>(now - stage_start_).count();
  const auto done = static_cast<double>(last_.done - done_at_start_);
  if (pace.elapsed > 0 && done > 0) pace.units_per_s = done / pace.elapsed;
  return pace;
}

double Console::seconds_between_reports() const {
  switch (style_) {
    case Style::terminal:
      return 0.1;
    case Style::json:
      return 0.5;
    default:
      return 5;
  }
}

}  // namespace maskclass::cli
