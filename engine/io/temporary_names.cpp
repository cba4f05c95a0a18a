#include "engine/io/temporary_names.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace maskclass::io {
namespace {

// A signal handler can reach nothing but the process's own state: this is all there is of it.
std::atomic<TemporaryNames*> newest_names = nullptr;
std::mutex adding_names;

}  // namespace

TemporaryNames::TemporaryNames(std::vector<std::string> names) : names_(std::move(names)) {
  const std::lock_guard lock(adding_names);
  next_ = newest_names;
  newest_names = this;
}

TemporaryNames::~TemporaryNames() {
  const std::lock_guard lock(adding_names);
  if (newest_names == this) {
    newest_names = next_;
    return;
  }
  for (TemporaryNames* other = newest_names; other != nullptr; other = other->next_) {
    if (other->next_ == this) other->next_ = next_;
  }
}

void TemporaryNames::remove_all() noexcept {
  for (const TemporaryNames* object = newest_names; object != nullptr; object = object->next_) {
    for (const std::string& name : object->names_) {
      if (unlink(name.c_str()) != 0) rmdir(name.c_str());
    }
  }
}

}  // namespace maskclass::io
