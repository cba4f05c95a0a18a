#include "kernels/cuda/runtime/memory.h"

#include <cstdio>
#include <numeric>

namespace maskclass::cuda {
namespace {

class CudaMalloc final : public Allocator {
 public:
  void* allocate(std::size_t bytes, cudaStream_t /*stream*/) override {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes), "allocating memory on the GPU");
    return memory;
  }
  void release(void* memory, std::size_t /*bytes*/, cudaStream_t /*stream*/) noexcept override {
    // After a lost device this fails, and there is nothing left to do about it.
    static_cast<void>(cudaFree(memory));
  }
};

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) * 1e-6);
  return text;
}

}  // namespace

Allocator& default_allocator() {
  static CudaMalloc allocator;  // has no state
  return allocator;
}

std::size_t MemoryPlan::bytes() const {
  return std::accumulate(pieces_.begin(), pieces_.end(), std::size_t{0},
                         [](std::size_t sum, const Piece& piece) { return sum + piece.bytes; });
}

void MemoryPlan::allocate(const Context& context) {
  if (context.allocator == &default_allocator()) {
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for the GPU's free memory");
    if (bytes() > free) {
      throw DeviceError(Fault::memory, "the GPU's memory is short: the job needs " +
                                           megabytes(bytes()) + ", free are " + megabytes(free) +
                                           " of " + megabytes(total) +
                                           "; free some of it, or use --device cpu");
    }
  }
  for (std::size_t k = 0; k < arrays_.size(); ++k) allocations_[k](arrays_[k], context);
}

}  // namespace maskclass::cuda
