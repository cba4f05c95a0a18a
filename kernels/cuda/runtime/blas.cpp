#include "kernels/cuda/runtime/blas.h"

#include <dlfcn.h>

#include <string>

namespace maskclass::cuda {
namespace {

/// What cuBLAS asks for on compute capability 9.0, where it needs most.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

#define MASKCLASS_TEXT_OF(text) #text
#define MASKCLASS_TEXT(macro) MASKCLASS_TEXT_OF(macro)
constexpr const char* kLibrary = "libcublas.so." MASKCLASS_TEXT(CUBLAS_VER_MAJOR);

[[noreturn]] void refuse(const char* library, const std::string& reason) {
  throw DeviceError(Fault::library,
                    std::string("cuBLAS, which principal components on a GPU need, cannot be "
                                "loaded: ") +
                        reason + "; install the CUDA Toolkit's " + library +
                        " (package libcublas) or add its folder to LD_LIBRARY_PATH");
}

std::string loader_error() {
  const char* error = dlerror();
  return error == nullptr ? "no reason was given" : error;
}

void* open_library(const char* library) {
  if (void* opened = dlopen(library, RTLD_NOW | RTLD_LOCAL)) return opened;
  refuse(library, loader_error());
}

template <class Function>
void find(void* opened, const char* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(opened, name));
  if (function == nullptr) refuse(library, loader_error());
}

}  // namespace

// cublas_v2.h gives some functions the names of their second versions.
#define MASKCLASS_FIND(function, member) \
  find(opened, library, MASKCLASS_TEXT(function), calls.member)

BlasCalls load_blas(const char* library) {
  // Never closed: cuBLAS has threads and exit handlers of its own.
  void* const opened = open_library(library);
  BlasCalls calls;
  MASKCLASS_FIND(cublasCreate, create);
  MASKCLASS_FIND(cublasDestroy, destroy);
  MASKCLASS_FIND(cublasSetStream, set_stream);
  MASKCLASS_FIND(cublasSetWorkspace, set_workspace);
  MASKCLASS_FIND(cublasSetMathMode, set_math_mode);
  MASKCLASS_FIND(cublasGetStatusString, status_string);
  MASKCLASS_FIND(cublasGetStatusName, status_name);
  MASKCLASS_FIND(cublasDsyrk, dsyrk);
  return calls;
}

BlasCalls load_blas() {
  return load_blas(kLibrary);
}

Blas::Blas(const Context& context) : calls_(load_blas()), workspace_(kWorkspaceBytes, context) {
  check(calls_.create(&handle_), "starting");
  try {
    check(calls_.set_stream(handle_, context.stream), "setting the stream");
    check(calls_.set_workspace(handle_, workspace_.data(), workspace_.bytes()),
          "setting the work space");
    check(calls_.set_math_mode(handle_, CUBLAS_PEDANTIC_MATH), "setting the precision");
  } catch (...) {
    static_cast<void>(calls_.destroy(handle_));
    throw;
  }
}

void Blas::check(cublasStatus_t status, const char* what) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const Fault fault = status == CUBLAS_STATUS_ALLOC_FAILED ? Fault::memory : Fault::failed;
  throw DeviceError(fault, std::string("cuBLAS: ") + what + ": " + calls_.status_string(status) +
                               " (" + calls_.status_name(status) + ")");
}

}  // namespace maskclass::cuda
