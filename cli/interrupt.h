#pragma once

#include <csignal>

namespace maskclass::cli {

/// While one lives, Ctrl-C (SIGINT), SIGTERM and SIGHUP (the terminal is closed) do not end the
/// program but are remembered, so that the job can stop and clean up; a second signal ends it at
/// once. A signal that is ignored (a job in the background, nohup) stays ignored. One at a time;
/// the former handlers return with it.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// Whether a signal came since this guard was made.
  static bool is_interrupted();

 private:
  struct sigaction former_interrupt_ = {};
  struct sigaction former_terminate_ = {};
  struct sigaction former_hang_up_ = {};
};

}  // namespace maskclass::cli
