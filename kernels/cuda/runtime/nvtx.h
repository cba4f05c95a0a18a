#pragma once

#include <nvtx3/nvToolsExt.h>

namespace maskclass::cuda {

/// A named stage on a profiler's time line, from here to the end of the scope.
class Range {
 public:
  explicit Range(const char* name) { nvtxRangePushA(name); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() { nvtxRangePop(); }
};

}  // namespace maskclass::cuda
