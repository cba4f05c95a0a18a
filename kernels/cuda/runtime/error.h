#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace maskclass::cuda {

/// Why the device cannot do the job, as far as a caller can act on it.
enum class Fault {
  no_driver,     ///< No NVIDIA driver is installed.
  old_driver,    ///< The driver is older than the runtime that this build uses.
  no_device,     ///< A driver, but no GPU that this process may use.
  wrong_device,  ///< No GPU of the number asked for.
  capability,    ///< The GPU is older than what this build or option needs.
  memory,        ///< Not enough memory on the GPU.
  failed,        ///< A kernel or a copy failed, or the device was lost.
};

/// The one exception of the CUDA backend. The message says what failed and what to do about it.
class DeviceError : public std::runtime_error {
 public:
  DeviceError(Fault fault, const std::string& message)
      : std::runtime_error(message), fault_(fault) {}
  Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

/// Throws DeviceError where `status` is not success. `what` is the operation in words ("copying
/// the counts to the GPU") or the name of the kernel launched last.
void check(cudaError_t status, const char* what);

/// Throws where the launch of `kernel` was refused; what goes wrong while it runs is found by the
/// next synchronisation, or at once with CUDA_LAUNCH_BLOCKING=1.
void check_launch(const char* kernel);

}  // namespace maskclass::cuda
