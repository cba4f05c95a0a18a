#include "engine/io/hdf5/handle.h"

#include <fmt/format.h>

#include <string_view>

#include "engine/error.h"
#include "engine/io/hdf5/within_session.h"

namespace maskclass::io::hdf5 {
namespace {

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

thread_local volatile int sessions_of_thread = 0;

/// What the system said, out of a description of many lines ("..., error message = 'No space left
/// on device', buf = ..."); else its first line.
std::string first_words(const std::string& description) {
  constexpr std::string_view label = "error message = '";
  const std::size_t at = description.find(label);
  if (at == std::string::npos) return description.substr(0, description.find('\n'));
  const std::size_t start = at + label.size();
  return description.substr(start, description.find('\'', start) - start);
}

/// Keeps the description of the first record that is visited: upward from where it went wrong.
herr_t take_innermost(unsigned n, const H5E_error2_t* record, void* reason) {
  if (n == 0 && record->desc != nullptr)
    *static_cast<std::string*>(reason) = first_words(record->desc);
  return 0;
}

}  // namespace

Session::Session() : lock_(library_mutex()) {
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  sessions_of_thread = sessions_of_thread + 1;
}

Session::~Session() {
  sessions_of_thread = sessions_of_thread - 1;
  H5Eset_auto2(H5E_DEFAULT, print_, print_data_);
}

bool is_within_session() noexcept {
  return sessions_of_thread > 0;
}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
  }
  return *this;
}

void Handle::reset() noexcept {
  if (id_ < 0) return;
  const Session session;
  H5Idec_ref(std::exchange(id_, H5I_INVALID_HID));
}

void fail_for_memory(const std::string& where) {
  throw data_error(where + ": needs more memory than there is, or is damaged");
}

void fail(const std::string& where, const std::string& what) {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &reason);
  H5Eclear2(H5E_DEFAULT);
  throw data_error(reason.empty() ? fmt::format("{}: {}", where, what)
                                  : fmt::format("{}: {} (HDF5: {})", where, what, reason));
}

Node share(const Node& node) {
  check(H5Iinc_ref(node.id()), node.where, "cannot open");
  return {Handle(node.id()), node.where};
}

std::string child_where(const Node& parent, const std::string& name) {
  // "pbmc.h5ad: obs/cell_type": a colon after the file, slashes below it.
  return parent.where + (H5Iget_type(parent.id()) == H5I_FILE ? ": " : "/") + name;
}

}  // namespace maskclass::io::hdf5
