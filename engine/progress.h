#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace maskclass {

/// Where a long job stands.
struct Progress {
  std::string stage;       ///< "read", "select genes", "train", "write", ...
  std::int64_t done = 0;   ///< Units of the stage that are finished.
  std::int64_t total = 0;  ///< All units of the stage; 0 where unknown.
  std::string unit;        ///< "cells", "epochs", "MB", ...
  double loss = 0;         ///< While training: the mean loss of the last finished epoch.
  std::string detail{};    ///< What a person counts in, such as "epoch 12/300"; may be empty.
};

/// How a long job speaks to its caller. Both may be empty. They are called from the thread that
/// called the job, at least several times a second while it trains, and never after it returns.
struct Callbacks {
  /// Returns false to stop: the job then throws Error of kind `cancelled`.
  std::function<bool(const Progress&)> progress;
  /// One line that the user should know, such as "12 genes are constant".
  std::function<void(const std::string&)> log;
};

/// Reports and throws Error{cancelled} where the caller asks to stop.
void report_progress(const Callbacks& callbacks, const Progress& progress);
void log_line(const Callbacks& callbacks, const std::string& line);

}  // namespace maskclass
