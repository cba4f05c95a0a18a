#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/io/temporary_names.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Standard input as a file: what comes is written to a temporary folder, under a name whose ending
/// its content chooses, and removed with the object.
class StandardInput {
 public:
  /// Reads to the end. Throws Error{usage} where standard input is a terminal, Error{data} where
  /// nothing comes or the temporary folder (TMPDIR) cannot hold it, Error{cancelled}.
  explicit StandardInput(const Callbacks& callbacks);
  ~StandardInput();
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  void remove() const;

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::optional<TemporaryNames> known_;  ///< To a handler of crashes.
};

}  // namespace maskclass::io
