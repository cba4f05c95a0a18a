#pragma once

#include <cublas_v2.h>

#include <cstddef>
#include <utility>

#include "kernels/cuda/runtime/memory.h"

namespace maskclass::cuda {

/// Throws DeviceError where `status` is not success; `what` is the operation in words.
void check_blas(cublasStatus_t status, const char* what);

/// cuBLAS on the context's stream, in the precision of the types alone (no TF32, no emulation),
/// with work space from the context's allocator. To make one waits for the device.
class Blas {
 public:
  explicit Blas(const Context& context);
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  ~Blas() { static_cast<void>(cublasDestroy(handle_)); }

  cublasHandle_t get() const { return handle_; }

 private:
  DeviceArray<std::byte> workspace_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace maskclass::cuda
