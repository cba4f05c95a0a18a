#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "engine/progress.h"

namespace maskclass::cli {

/// How every subcommand speaks to its user, on standard error:
/// - on a terminal, one progress bar a stage, redrawn at most ten times a second;
/// - elsewhere, a line at the end of a stage and every few seconds before;
/// - `json`: an object a line, twice a second and at the end of a stage;
/// - `quiet`: nothing (errors are thrown, and main prints them).
/// Ctrl-C and SIGTERM make the next report return false, so that the engine throws
/// Error{cancelled}; a second one ends the program. Make one a command, on the stack: its
/// destructor leaves the terminal on a fresh line before an error is printed.
class Console {
 public:
  Console(bool quiet, bool json, std::FILE* stream = stderr);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// For the engine; valid while this Console lives, to be called from one thread.
  Callbacks callbacks();

  /// One line that the user should know.
  void note(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Style { silent, terminal, lines, json };

  bool report(const Progress& progress);
  void begin_stage(const Progress& progress, Clock::time_point now);
  /// Shows the last report of the stage, if that is still to be done, and closes its line.
  void finish_stage();
  void show(Clock::time_point now);
  void print_line(const std::string& line);
  void write(const std::string& text);
  Pace pace(Clock::time_point now) const;
  double seconds_between_reports() const;

  InterruptGuard interrupt_;
  std::FILE* stream_;
  Style style_;

  Progress last_;                   ///< The last report; its stage is empty before the first.
  std::int64_t done_at_start_ = 0;  ///< Of the stage's first report.
  Clock::time_point stage_start_;
  Clock::time_point last_report_;
  Clock::time_point last_shown_;
  bool is_shown_ = true;  ///< Whether last_ has been shown.
  bool is_bar_on_screen_ = false;
};

}  // namespace maskclass::cli
