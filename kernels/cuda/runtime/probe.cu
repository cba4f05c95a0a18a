// Asks whether there is code for a GPU by asking for a kernel that does nothing and is never run.
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/probe.h"

namespace maskclass::cuda {
namespace {

__global__ void probe_kernel() {}

}  // namespace

bool has_code_for_current_device() {
  cudaFuncAttributes attributes{};
  const cudaError_t status = cudaFuncGetAttributes(&attributes, probe_kernel);
  switch (status) {
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      static_cast<void>(cudaGetLastError());
      return false;
    default:
      check(status, "loading the kernels");
      return true;
  }
}

}  // namespace maskclass::cuda
