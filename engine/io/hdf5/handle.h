#pragma once

#include <hdf5.h>

#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace maskclass::io::hdf5 {

/// Held by every function that calls HDF5: only one thread may be inside the library (it is not
/// thread-safe in all builds), and while it is held the library prints nothing.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

/// Throws Error{data}: the file asks for more memory than there is.
[[noreturn]] void fail_for_memory(const std::string& where);

/// Does `work` within a Session. A damaged file can claim any extent: memory that cannot be had is
/// an error of the file `where`.
template <class Work>
auto in_session(const std::string& where, const Work& work) {
  const Session session;
  try {
    return work();
  } catch (const std::bad_alloc&) {
    fail_for_memory(where);
  } catch (const std::length_error&) {
    fail_for_memory(where);
  }
}

/// An HDF5 identifier (file, group, dataset, type, ...) that is closed with the object.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept;

  hid_t id() const { return id_; }
  void reset() noexcept;

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// A file, group or dataset that is open, and how messages call it ("pbmc.h5ad: layers/counts").
struct Node {
  Handle handle;
  std::string where;
  hid_t id() const { return handle.id(); }
};

/// The same object once more; it stays open until both are gone.
Node share(const Node& node);

/// Throws Error{data}: "<where>: <what> (HDF5: <the library's innermost reason>)".
[[noreturn]] void fail(const std::string& where, const std::string& what);

/// Passes on the result of an HDF5 call; throws as fail() does where it is negative.
template <class Result>
Result check(Result result, const std::string& where, const char* what) {
  if (result < 0) fail(where, what);
  return result;
}
inline Handle checked_handle(hid_t id, const std::string& where, const char* what) {
  return Handle(check(id, where, what));
}

/// Name of a child for messages and paths: "layers" + "counts" = "layers/counts".
std::string child_where(const Node& parent, const std::string& name);

}  // namespace maskclass::io::hdf5
