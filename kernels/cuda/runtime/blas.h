#pragma once

#include <cublas_v2.h>

#include <cstddef>

#include "kernels/cuda/runtime/memory.h"

namespace maskclass::cuda {

/// The calls of cuBLAS that the kernels need. The library is hundreds of megabytes and belongs to
/// the CUDA Toolkit, not to the driver: a program that was linked with it would not start on a
/// machine that has the driver alone.
struct BlasCalls {
  decltype(&cublasCreate) create = nullptr;
  decltype(&cublasDestroy) destroy = nullptr;
  decltype(&cublasSetStream) set_stream = nullptr;
  decltype(&cublasSetWorkspace) set_workspace = nullptr;
  decltype(&cublasSetMathMode) set_math_mode = nullptr;
  decltype(&cublasGetStatusString) status_string = nullptr;
  decltype(&cublasGetStatusName) status_name = nullptr;
  decltype(&cublasDsyrk) dsyrk = nullptr;
};

/// Loads the library of that name ("libcublas.so.13") as the system loads a program's; the program
/// has the folder of the toolkit that built it in its run path (third_party/cuda.cmake). It stays
/// loaded. Throws DeviceError{library}, with the loader's words, where it is not to be had.
BlasCalls load_blas(const char* library);
/// That of the major version that this build was made with.
BlasCalls load_blas();

/// cuBLAS on the context's stream, in the precision of the types alone (no TF32, no emulation),
/// with work space from the context's allocator. To make one loads cuBLAS and waits for the device.
class Blas {
 public:
  explicit Blas(const Context& context);
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  ~Blas() { static_cast<void>(calls_.destroy(handle_)); }

  cublasHandle_t get() const { return handle_; }
  const BlasCalls& calls() const { return calls_; }
  /// Throws DeviceError where `status` is not success; `what` is the operation in words.
  void check(cublasStatus_t status, const char* what) const;

 private:
  BlasCalls calls_;
  DeviceArray<std::byte> workspace_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace maskclass::cuda
