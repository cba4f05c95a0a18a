#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/runtime/context.h"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {

/// Bytes of device memory with an owner.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(std::size_t bytes, const Context& context)
      : context_(context),
        bytes_(bytes),
        memory_(context.allocator->allocate(bytes, context.stream)) {}
  DeviceMemory(DeviceMemory&& other) noexcept { swap(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceMemory() {
    if (memory_ != nullptr) context_.allocator->release(memory_, bytes_, context_.stream);
  }

  void* get() const { return memory_; }

 private:
  void swap(DeviceMemory& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(bytes_, other.bytes_);
    std::swap(memory_, other.memory_);
  }

  Context context_;
  std::size_t bytes_ = 0;
  void* memory_ = nullptr;
};

/// An array on the device, named for messages. Sized by a MemoryPlan, empty until it is allocated.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(std::size_t size, const Context& context) : size_(size) { allocate(context); }

  T* data() const { return static_cast<T*>(memory_.get()); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }

  /// Copies in the order of the stream. The host's memory must live, untouched, until the stream is
  /// synchronised, pageable memory too: GPUs that read it themselves do so when the copy runs.
  void upload(std::span<const T> from, const Context& context, const char* what) {
    if (from.empty()) return;
    if (from.size() > size_) throw std::logic_error(std::string(what) + ": too long for its array");
    check(cudaMemcpyAsync(data(), from.data(), from.size_bytes(), cudaMemcpyHostToDevice,
                          context.stream),
          what);
  }
  void download(std::span<T> to, const Context& context, const char* what) const {
    if (to.empty()) return;
    if (to.size() > size_) throw std::logic_error(std::string(what) + ": longer than its array");
    check(
        cudaMemcpyAsync(to.data(), data(), to.size_bytes(), cudaMemcpyDeviceToHost, context.stream),
        what);
  }
  void clear(const Context& context, const char* what) {
    if (size_ > 0) check(cudaMemsetAsync(data(), 0, bytes(), context.stream), what);
  }

 private:
  friend class MemoryPlan;
  void allocate(const Context& context) {
    if (size_ > 0) memory_ = DeviceMemory(bytes(), context);
  }

  std::size_t size_ = 0;
  DeviceMemory memory_;
};

/// All that a job will allocate on the device, sized before any of it is: so that it can be
/// reported, and refused, before work starts. Arrays must stay where they are until allocate().
class MemoryPlan {
 public:
  struct Piece {
    const char* name;
    std::size_t bytes;
  };

  template <class T>
  void add(DeviceArray<T>& array, const char* name, std::size_t size) {
    array.size_ = size;
    pieces_.push_back({name, array.bytes()});
    allocations_.push_back([](void* planned, const Context& context) {
      static_cast<DeviceArray<T>*>(planned)->allocate(context);
    });
    arrays_.push_back(&array);
  }

  std::span<const Piece> pieces() const { return pieces_; }
  std::size_t bytes() const;

  /// Allocates all. Throws DeviceError{memory} that says how much is needed and for what, how much
  /// is free and what to change; from the default allocator before anything is allocated.
  void allocate(const Context& context);

 private:
  std::string largest_pieces() const;

  std::vector<Piece> pieces_;
  std::vector<void (*)(void*, const Context&)> allocations_;
  std::vector<void*> arrays_;
};

/// Page-locked host memory, which the device copies from and to without waiting for the host.
template <class T>
class PinnedArray {
 public:
  explicit PinnedArray(std::size_t size) : size_(size) {
    if (size == 0) return;
    void* memory = nullptr;
    check(cudaMallocHost(&memory, size * sizeof(T)), "page-locked host memory");
    memory_ = static_cast<T*>(memory);
  }
  PinnedArray(PinnedArray&& other) noexcept
      : size_(std::exchange(other.size_, 0)), memory_(std::exchange(other.memory_, nullptr)) {}
  PinnedArray& operator=(PinnedArray&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~PinnedArray() {
    if (memory_ != nullptr) static_cast<void>(cudaFreeHost(memory_));
  }

  T* data() const { return memory_; }
  std::size_t size() const { return size_; }
  std::span<T> span() const { return {memory_, size_}; }

 private:
  std::size_t size_ = 0;
  T* memory_ = nullptr;
};

}  // namespace maskclass::cuda
