#pragma once

namespace maskclass {

/// A named stage on the time line of a GPU's profiler (NVTX), from here to the end of the scope;
/// nothing in a build without CUDA, and next to nothing without a profiler.
class ProfilerRange {
 public:
  explicit ProfilerRange(const char* name);
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;
  ~ProfilerRange();
};

}  // namespace maskclass
