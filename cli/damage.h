#pragma once

#include <csignal>
#include <iterator>
#include <string>
#include <vector>

namespace maskclass::cli {

/// While it lives, a crash inside of HDF5 ends the program with exit code 1 and a message that
/// names the inputs, not by a signal, and leaves no temporary file behind: of damage that opening
/// on trial (engine/io/hdf5/trial.h) did not find. A crash elsewhere is not touched. There is one
/// at a time.
class DamageGuard {
 public:
  explicit DamageGuard(const std::vector<std::string>& inputs);
  ~DamageGuard();
  DamageGuard(const DamageGuard&) = delete;
  DamageGuard& operator=(const DamageGuard&) = delete;

  static constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};

 private:
  struct sigaction former_[std::size(kSignals)] = {};
  std::vector<char> stack_;  ///< A damaged file may exhaust the program's own.
  stack_t former_stack_ = {};
};

}  // namespace maskclass::cli
