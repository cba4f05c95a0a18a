#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

/// Arrays that may be larger than memory should hold.
namespace maskclass {

namespace large_array {

/// Arrays of fewer bytes are never put into a file.
inline constexpr std::size_t kLeastFileBytes = std::size_t{64} << 20;

/// Pages of a new file without a name in the folder for temporary files ($TMPDIR, else /var/tmp,
/// else /tmp), whose room is reserved; where it has none, memory as usual. Throws std::bad_alloc.
struct Pages {
  void* at;
  bool in_file;
};
Pages allocate_pages(std::size_t bytes);
void free_pages(void* at, std::size_t bytes) noexcept;
/// The system may take the memory of whole pages between `begin` and `end`, pages of a file: what
/// they hold stays, and is read again where it is needed.
void give_back(const void* begin, const void* end) noexcept;

}  // namespace large_array

enum class Place { memory, file_if_large };

/// Of std::vector's allocators the one that knows of files. New elements are not set to zero. A
/// copy of an array is in memory.
template <class T>
class LargeArrayAllocator {
 public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  static_assert(std::is_trivially_copyable_v<T>);

  LargeArrayAllocator() = default;
  explicit LargeArrayAllocator(Place place) : place_(place) {}
  template <class Other>
  explicit LargeArrayAllocator(const LargeArrayAllocator<Other>& other) : place_(other.place()) {}
  LargeArrayAllocator select_on_container_copy_construction() const { return {}; }

  T* allocate(std::size_t n) {
    in_file_ = false;
    if (!is_large(n)) return std::allocator<T>().allocate(n);
    const large_array::Pages pages = large_array::allocate_pages(n * sizeof(T));
    in_file_ = pages.in_file;
    return static_cast<T*>(pages.at);
  }
  void deallocate(T* at, std::size_t n) noexcept {
    if (is_large(n)) {
      large_array::free_pages(at, n * sizeof(T));
    } else {
      std::allocator<T>().deallocate(at, n);
    }
  }
  template <class U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }

  Place place() const { return place_; }
  /// Whether the memory allocated last is a file's.
  bool in_file() const { return in_file_; }
  bool operator==(const LargeArrayAllocator& other) const { return place_ == other.place_; }

 private:
  bool is_large(std::size_t n) const {
    return place_ == Place::file_if_large && n * sizeof(T) >= large_array::kLeastFileBytes;
  }

  Place place_ = Place::memory;
  bool in_file_ = false;
};

template <class T>
using LargeArray = std::vector<T, LargeArrayAllocator<T>>;

template <class T>
bool operator==(const LargeArray<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace maskclass
