#include "cli/interrupt.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <initializer_list>

using maskclass::cli::InterruptGuard;

namespace {

struct sigaction handler_of(int signal_number) {
  struct sigaction action = {};
  sigaction(signal_number, nullptr, &action);
  return action;
}

/// The signal that ends a child which runs `body`, or 0 where it exits by itself.
template <class Body>
int signal_that_ends(const Body& body) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);  // whatever doctest has set
    std::signal(SIGTERM, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a signal is remembered while a guard lives, and the handlers return") {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    const auto former = handler_of(signal_number).sa_handler;
    {
      const InterruptGuard guard;
      CHECK_FALSE(InterruptGuard::is_interrupted());
      std::raise(signal_number);
      CHECK(InterruptGuard::is_interrupted());
    }
    CHECK((handler_of(signal_number).sa_handler == former));
  }
  const InterruptGuard guard;
  CHECK_FALSE(InterruptGuard::is_interrupted());
}

TEST_CASE("the second signal ends the program") {
  CHECK(signal_that_ends([] {
          const InterruptGuard guard;
          std::raise(SIGINT);
        }) == 0);
  CHECK(signal_that_ends([] {
          const InterruptGuard guard;
          std::raise(SIGINT);
          std::raise(SIGINT);
        }) == SIGINT);
  CHECK(signal_that_ends([] {
          const InterruptGuard guard;
          std::raise(SIGINT);
          std::raise(SIGTERM);
        }) == SIGTERM);
}

TEST_CASE("an ignored signal stays ignored") {
  CHECK(signal_that_ends([] {
          std::signal(SIGINT, SIG_IGN);
          const InterruptGuard guard;
          std::raise(SIGINT);
          std::raise(SIGINT);
          if (InterruptGuard::is_interrupted()) std::abort();
        }) == 0);
}
