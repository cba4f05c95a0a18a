#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

Fault fault_of(cudaError_t status) {
  switch (status) {
    case cudaErrorInsufficientDriver: {
      // The runtime gives this code for an old driver and for none at all.
      int driver = 0;
      const bool known = cudaDriverGetVersion(&driver) == cudaSuccess && driver > 0;
      return known ? Fault::old_driver : Fault::no_driver;
    }
    case cudaErrorNoDevice:
      return Fault::no_device;
    case cudaErrorInvalidDevice:
      return Fault::wrong_device;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return Fault::capability;
    case cudaErrorMemoryAllocation:
      return Fault::memory;
    default:
      return Fault::failed;
  }
}

const char* advice(Fault fault) {
  switch (fault) {
    case Fault::no_driver:
      return "no NVIDIA driver is installed; install one, or use --device cpu";
    case Fault::old_driver:
      return "the NVIDIA driver is older than this build's CUDA runtime; update the driver, or use "
             "--device cpu";
    case Fault::no_device:
      return "no GPU that this process may use (nvidia-smi lists them; see CUDA_VISIBLE_DEVICES); "
             "use --device cpu";
    case Fault::wrong_device:
      return "there is no GPU of that number (maskclass info lists them)";
    case Fault::capability:
      return "this build has no code for this GPU; build with -DCMAKE_CUDA_ARCHITECTURES=native, "
             "or "
             "use --device cpu";
    case Fault::memory:
      return "the GPU's memory is short; free some of it, or use --device cpu";
    case Fault::failed:
      break;
  }
  return "nothing was written; run again with CUDA_LAUNCH_BLOCKING=1 to name the kernel for "
         "certain, or use --device cpu";
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // an error that is not sticky is reported once
  const Fault fault = fault_of(status);
  throw DeviceError(fault, std::string("CUDA: ") + what + ": " + cudaGetErrorString(status) + " (" +
                               cudaGetErrorName(status) + "): " + advice(fault));
}

void check_launch(const char* kernel) {
  check(cudaGetLastError(), kernel);
}

}  // namespace maskclass::cuda
