#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace maskclass::cuda {

/// Where device memory comes from; an embedding program may bring its own.
class Allocator {
 public:
  virtual ~Allocator() = default;
  /// Device memory of at least `bytes` > 0, aligned to 256 bytes, for use on `stream`. Throws
  /// DeviceError.
  virtual void* allocate(std::size_t bytes, cudaStream_t stream) = 0;
  virtual void release(void* memory, std::size_t bytes, cudaStream_t stream) noexcept = 0;
};

/// cudaMalloc and cudaFree.
Allocator& default_allocator();

/// Everything that work on the device needs from its caller: no part of this backend has state of
/// its own beyond what it is given here. The caller's current device is the one that is used.
struct Context {
  cudaStream_t stream = nullptr;  ///< The legacy stream cannot be captured into a graph.
  Allocator* allocator = &default_allocator();
};

}  // namespace maskclass::cuda
