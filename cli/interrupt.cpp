#include "cli/interrupt.h"

namespace maskclass::cli {
namespace {

// A signal handler can reach nothing but the process's own state: this is all there is of it.
volatile std::sig_atomic_t signalled = 0;

extern "C" void remember_signal(int signal_number) {
  if (signalled != 0) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);  // delivered, by default, as the handler returns
  }
  signalled = 1;
}

struct sigaction replace_handler(int signal_number) {
  struct sigaction former = {};
  sigaction(signal_number, nullptr, &former);
  if (former.sa_handler == SIG_IGN) return former;
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags =
      SA_RESTART;  // Reads and writes under way go on: the job stops at its next report.
  sigaction(signal_number, &action, nullptr);
  return former;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  signalled = 0;
  former_interrupt_ = replace_handler(SIGINT);
  former_terminate_ = replace_handler(SIGTERM);
  former_hang_up_ = replace_handler(SIGHUP);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &former_interrupt_, nullptr);
  sigaction(SIGTERM, &former_terminate_, nullptr);
  sigaction(SIGHUP, &former_hang_up_, nullptr);
}

bool InterruptGuard::is_interrupted() {
  return signalled != 0;
}

}  // namespace maskclass::cli
