#include "kernels/cuda/runtime/memory.h"

#include <algorithm>
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

std::string MemoryPlan::largest_pieces() const {
  constexpr std::size_t kMost = 3;
  std::vector<Piece> pieces = pieces_;
  std::sort(pieces.begin(), pieces.end(),
            [](const Piece& a, const Piece& b) { return a.bytes > b.bytes; });
  std::string text;
  for (std::size_t k = 0; k < std::min(kMost, pieces.size()); ++k) {
    text += (k > 0 ? ", " : "") + std::string(pieces[k].name) + " " + megabytes(pieces[k].bytes);
  }
  return text;
}

void MemoryPlan::allocate(const Context& context) {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for the GPU's free memory");
  const auto refuse = [&] {
    throw DeviceError(Fault::memory, "the GPU's memory is short: the job needs " +
                                         megabytes(bytes()) + " (" + largest_pieces() + ") and " +
                                         megabytes(free) + " of " + megabytes(total) +
                                         " are free: end other programs on the GPU, or denoise "
                                         "fewer genes");
  };
  if (context.allocator == &default_allocator() && bytes() > free) refuse();
  try {
    for (std::size_t k = 0; k < arrays_.size(); ++k) allocations_[k](arrays_[k], context);
  } catch (const DeviceError& error) {
    // What is free may be in pieces, and another program may have been faster.
    if (error.fault() == Fault::memory) refuse();
    throw;
  }
}

}  // namespace maskclass::cuda
