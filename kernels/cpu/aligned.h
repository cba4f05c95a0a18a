#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace maskclass::cpu {

/// Allocates on cache-line bounds, so that no vector load is split and threads that write
/// neighbouring arrays share no line.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>& /*other*/) {}

  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* pointer, std::size_t /*n*/) { ::operator delete(pointer, kAlignment); }
  bool operator==(const AlignedAllocator& /*other*/) const { return true; }
};

using AlignedFloats = std::vector<float, AlignedAllocator<float>>;
using AlignedWords = std::vector<std::uint32_t, AlignedAllocator<std::uint32_t>>;

}  // namespace maskclass::cpu
