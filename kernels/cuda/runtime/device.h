#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace maskclass::cuda {

/// What the backend needs to know of a GPU.
struct DeviceInfo {
  int index = 0;
  std::string name;
  int capability_major = 0;
  int capability_minor = 0;
  int n_multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes_per_block = 0;  ///< with the opt-in
  std::size_t shared_bytes_per_multiprocessor = 0;
  bool cooperative = false;  ///< grids with a barrier
};

/// All GPUs that the process may use, at least one. Throws DeviceError{no_driver, old_driver,
/// broken_driver, no_device}.
std::vector<DeviceInfo> devices();

/// The GPU that the calling thread uses now.
DeviceInfo current_device();

/// Bytes of the calling thread's GPU that nobody uses.
std::size_t free_memory();

/// Throws DeviceError{capability} where this build has no code for the calling thread's GPU.
void check_capability();

/// While one lives, GPU `index` is the calling thread's; then it is the former one again.
class CurrentDevice {
 public:
  /// Throws DeviceError{wrong_device} where there is none of that number, {busy} or {memory} where
  /// this process cannot have it.
  explicit CurrentDevice(int index);
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;
  ~CurrentDevice();

 private:
  int former_ = 0;
};

}  // namespace maskclass::cuda
