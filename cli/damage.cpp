#include "cli/damage.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "cli/program.h"
#include "engine/io/temporary_names.h"
#ifdef MASKCLASS_HAS_HDF5
#include "engine/io/hdf5/within_session.h"
#endif

namespace maskclass::cli {
namespace {

// A signal handler can reach nothing but the process's own state: this is all there is of it.
char message[4096];
std::size_t message_size = 0;

bool is_within_hdf5() {
#ifdef MASKCLASS_HAS_HDF5
  return io::hdf5::is_within_session();
#else
  return false;
#endif
}

extern "C" void give_up(int /*signal_number*/) {
  _exit(data_failure);
}

/// Memory that HDF5 has damaged may crash this, too.
void remove_temporary_files(int signal_number) {
  for (const int crash : DamageGuard::kSignals) std::signal(crash, give_up);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, signal_number);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  io::TemporaryNames::remove_all();
}

extern "C" void refuse_damaged(int signal_number) {
  if (!is_within_hdf5()) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);  // delivered, by default, as the handler returns
    return;
  }
  // Nothing can be done where it cannot be written.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, message, message_size);
  remove_temporary_files(signal_number);
  _exit(data_failure);
}

std::string text_of(const std::vector<std::string>& inputs) {
  std::string names;
  int n_names = 0;
  for (const std::string& input : inputs) {
    if (input.empty()) continue;
    names += (n_names++ == 0 ? "" : ", ") + input;
  }
  return "\nmaskclass: " + names + (n_names > 1 ? ": one of them" : ": the file") +
         " is damaged: HDF5 crashes in it; copy or download it again\n";
}

}  // namespace

DamageGuard::DamageGuard(const std::vector<std::string>& inputs) : stack_(1 << 16) {
  const std::string text = text_of(inputs);
  message_size = std::min(text.size(), sizeof(message));
  std::memcpy(message, text.data(), message_size);
  stack_t stack = {};
  stack.ss_sp = stack_.data();
  stack.ss_size = stack_.size();
  sigaltstack(&stack, &former_stack_);
  struct sigaction action = {};
  action.sa_handler = refuse_damaged;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (std::size_t k = 0; k < std::size(kSignals); ++k) {
    sigaction(kSignals[k], &action, &former_[k]);
  }
}

DamageGuard::~DamageGuard() {
  for (std::size_t k = 0; k < std::size(kSignals); ++k) {
    sigaction(kSignals[k], &former_[k], nullptr);
  }
  sigaltstack(&former_stack_, nullptr);
}

}  // namespace maskclass::cli
