#include "engine/matrix/large_array.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace maskclass::large_array {
namespace {

/// A descriptor of a new file without a name, or -1.
int open_nameless(const std::string& folder) {
  std::string name = folder + "/maskclass-XXXXXX";
  const int file = mkostemp(name.data(), O_CLOEXEC);
  if (file >= 0) unlink(name.c_str());
  return file;
}

int open_temporary() {
  const char* chosen = std::getenv("TMPDIR");
  if (chosen != nullptr && *chosen != '\0') return open_nameless(chosen);
  const int file = open_nameless("/var/tmp");
  return file >= 0 ? file : open_nameless("/tmp");
}

/// Beyond this limit the system would end the program, not refuse.
bool may_be_written(std::size_t bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
         (limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur);
}

/// Null where there is no room.
void* map_file(std::size_t bytes) {
  if (!may_be_written(bytes)) return nullptr;
  const int file = open_temporary();
  if (file < 0) return nullptr;
  void* at = MAP_FAILED;
  // Room that is reserved now cannot turn out missing when a page is written.
  if (posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0) {
    at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  close(file);
  return at == MAP_FAILED ? nullptr : at;
}

}  // namespace

Pages allocate_pages(std::size_t bytes) {
  if (void* at = map_file(bytes)) return {at, true};
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return {at, false};
}

void free_pages(void* at, std::size_t bytes) noexcept {
  munmap(at, bytes);
}

void give_back(const void* begin, const void* end) noexcept {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(end) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace maskclass::large_array
