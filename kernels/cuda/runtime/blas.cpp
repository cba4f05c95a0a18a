#include "kernels/cuda/runtime/blas.h"

#include <string>

namespace maskclass::cuda {
namespace {

/// What cuBLAS asks for on compute capability 9.0, where it needs most.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

}  // namespace

void check_blas(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const Fault fault = status == CUBLAS_STATUS_ALLOC_FAILED ? Fault::memory : Fault::failed;
  throw DeviceError(fault, std::string("cuBLAS: ") + what + ": " + cublasGetStatusString(status) +
                               " (" + cublasGetStatusName(status) + ")");
}

Blas::Blas(const Context& context) : workspace_(kWorkspaceBytes, context) {
  check_blas(cublasCreate(&handle_), "starting");
  try {
    check_blas(cublasSetStream(handle_, context.stream), "setting the stream");
    check_blas(cublasSetWorkspace(handle_, workspace_.data(), workspace_.bytes()),
               "setting the work space");
    check_blas(cublasSetMathMode(handle_, CUBLAS_PEDANTIC_MATH), "setting the precision");
  } catch (...) {
    static_cast<void>(cublasDestroy(handle_));
    throw;
  }
}

}  // namespace maskclass::cuda
