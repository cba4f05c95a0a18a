#include "engine/progress.h"

#include "engine/error.h"

namespace maskclass {

void report_progress(const Callbacks& callbacks, const Progress& progress) {
  if (callbacks.progress && !callbacks.progress(progress)) {
    throw Error(ErrorKind::cancelled, "stopped by the caller during: " + progress.stage);
  }
}

void log_line(const Callbacks& callbacks, const std::string& line) {
  if (callbacks.log) callbacks.log(line);
}

}  // namespace maskclass
