#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace maskclass::cuda {

/// Why the device cannot do the job, as far as a caller can act on it.
enum class Fault {
  no_driver,      ///< No NVIDIA driver is installed.
  old_driver,     ///< The driver is older than the runtime that this build uses.
  broken_driver,  ///< A driver that does not work, most often until the machine is restarted.
  no_device,      ///< A driver, but no GPU that this process may use.
  wrong_device,   ///< No GPU of the number asked for.
  busy,           ///< Another process has the GPU for itself.
  capability,     ///< The GPU is older than what this build or option needs.
  memory,         ///< Not enough memory on the GPU.
  library,        ///< A library of the CUDA Toolkit is missing or cannot be loaded.
  time_limit,     ///< A kernel ran longer than a GPU with a display lets it.
  lost,           ///< The GPU or its memory failed.
  failed,         ///< A kernel or a copy went wrong: a fault of the program.
};

/// The one exception of the CUDA backend. The message says what failed and what to do about it on
/// the machine; that there are other devices is for the caller to say.
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

/// Throws where the launch of `kernel` was refused; what goes wrong while it runs is found by a
/// later call.
void check_launch(const char* kernel);

}  // namespace maskclass::cuda
