#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

/// What the driver supports, as CUDA writes versions (12040 for 12.4); 0 where there is none.
int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Fault fault_of(cudaError_t status) {
  switch (status) {
    case cudaErrorInsufficientDriver:
      // The runtime gives this code for an old driver and for none at all.
      return driver_version() > 0 ? Fault::old_driver : Fault::no_driver;
    case cudaErrorCallRequiresNewerDriver:
    case cudaErrorCompatNotSupportedOnDevice:
      return Fault::old_driver;
    case cudaErrorInitializationError:
    case cudaErrorStubLibrary:
    case cudaErrorOperatingSystem:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
      return Fault::broken_driver;
    case cudaErrorNoDevice:
      return Fault::no_device;
    case cudaErrorInvalidDevice:
      return Fault::wrong_device;
    case cudaErrorDevicesUnavailable:
    case cudaErrorDeviceAlreadyInUse:
      return Fault::busy;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorJitCompilerNotFound:
      return Fault::capability;
    case cudaErrorMemoryAllocation:
      return Fault::memory;
    case cudaErrorLaunchTimeout:
      return Fault::time_limit;
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorHardwareStackError:
    case cudaErrorUnknown:  // what a GPU that fell off the bus gives
      return Fault::lost;
    default:
      return Fault::failed;
  }
}

std::string advice(Fault fault) {
  switch (fault) {
    case Fault::no_driver:
      return "no NVIDIA driver is installed";
    case Fault::old_driver:
      return "the NVIDIA driver supports CUDA " + version_text(driver_version()) +
             " and this build uses " + version_text(CUDART_VERSION) + ": update the driver";
    case Fault::broken_driver:
      return "the NVIDIA driver does not work: make nvidia-smi list the GPU (after an update of "
             "the driver, restart the machine)";
    case Fault::no_device:
      return "there is no GPU that this process may use (nvidia-smi lists them; "
             "CUDA_VISIBLE_DEVICES can hide them)";
    case Fault::wrong_device:
      return "there is no GPU of that number (maskclass info lists them)";
    case Fault::busy:
      return "another program has the GPU for itself (nvidia-smi shows it): wait for it, or choose "
             "another GPU";
    case Fault::capability:
      return "this build has no code for this GPU: build with "
             "-DCMAKE_CUDA_ARCHITECTURES=native on this machine";
    case Fault::memory:
      return "the GPU's memory is short: end other programs on it (nvidia-smi shows them)";
    case Fault::time_limit:
      return "a kernel ran longer than a GPU with a display lets it: choose --cuda-driver graph, "
             "or a GPU without a display";
    case Fault::lost:
      return "the GPU failed: see what nvidia-smi and the system's log (dmesg: Xid) say of it, and "
             "restart the machine";
    case Fault::library:  // whoever misses it says so
    case Fault::failed:
      break;
  }
  return "this should not happen: please report it, with what compute-sanitizer says of the same "
         "command";
}

/// Whether the advice tells more than CUDA's own words, which for some of these mislead.
bool stands_alone(Fault fault) {
  return fault == Fault::no_driver || fault == Fault::old_driver || fault == Fault::no_device;
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // an error that is not sticky is reported once
  const Fault fault = fault_of(status);
  const std::string name = cudaGetErrorName(status);
  if (stands_alone(fault)) throw DeviceError(fault, advice(fault));
  throw DeviceError(fault, std::string("CUDA: ") + what + ": " + cudaGetErrorString(status) + " (" +
                               name + "); " + advice(fault));
}

void check_launch(const char* kernel) {
  check(cudaGetLastError(), kernel);
}

}  // namespace maskclass::cuda
