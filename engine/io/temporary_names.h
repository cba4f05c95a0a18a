#pragma once

#include <string>
#include <vector>

namespace maskclass::io {

/// Names of files and folders that must not outlive the process. While an object lives its names
/// are known to remove_all(), for a handler of signals after which no destructor will run.
/// Otherwise they are for their owner to remove.
class TemporaryNames {
 public:
  /// Files, then folders, inner ones first; they need not be there.
  explicit TemporaryNames(std::vector<std::string> names);
  ~TemporaryNames();
  TemporaryNames(const TemporaryNames&) = delete;
  TemporaryNames& operator=(const TemporaryNames&) = delete;

  /// Removes what is there of the names of all objects. May be called by a handler of signals:
  /// nothing is allocated, no lock is taken.
  static void remove_all() noexcept;

 private:
  std::vector<std::string> names_;
  TemporaryNames* next_ = nullptr;
};

}  // namespace maskclass::io
