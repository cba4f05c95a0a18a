#include "engine/io/atomic_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "engine/error.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;

/// "results/" names the folder "results"; a link stays and what it points to is replaced.
fs::path final_path(const fs::path& path) {
  fs::path named = path.has_filename() ? path : path.parent_path();
  std::error_code ignored;
  if (!fs::is_symlink(named, ignored)) return named;
  fs::path target = fs::weakly_canonical(named, ignored);
  if (ignored) return named;
  return target;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void sync_path(const fs::path& path, const fs::path& named_in_errors) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool opened = descriptor >= 0;
  // Some file systems cannot sync a folder and say EINVAL: they have nothing to sync.
  const bool synced = opened && (::fsync(descriptor) == 0 || errno == EINVAL);
  const int error = errno;
  if (opened) ::close(descriptor);
  if (!synced) {
    throw data_error(fmt::format("{}: cannot be written to disk: {}", named_in_errors.string(),
                                 system_message(error)));
  }
}

}  // namespace

AtomicPath::AtomicPath(const fs::path& path, Kind kind, std::vector<std::string> replaceable)
    : path_(final_path(path)), kind_(kind), replaceable_(std::move(replaceable)) {
  if (path_.empty() || path_.filename() == "." || path_.filename() == "..") {
    throw data_error(fmt::format("'{}' is no name for an output", path.string()));
  }
  std::error_code ignored;
  const fs::path folder = folder_of(path_);
  if (!fs::is_directory(folder, ignored)) {
    throw data_error(fmt::format("{}: the folder '{}' does not exist; create it first",
                                 path_.string(), folder.string()));
  }
  check_replaceable();
  create();
  known_.emplace(temporary_names());
}

AtomicPath::~AtomicPath() {
  std::error_code ignored;
  if (!finished_) fs::remove_all(temporary_, ignored);
}

void AtomicPath::check_replaceable() const {
  std::error_code ignored;
  const fs::file_status status = fs::status(path_, ignored);
  if (!fs::exists(status)) return;
  if (kind_ == Kind::file) {
    if (fs::is_regular_file(status)) return;
    throw data_error(fmt::format("{}: exists and is {}; choose another name for the output",
                                 path_.string(),
                                 fs::is_directory(status) ? "a folder" : "not a regular file"));
  }
  if (!fs::is_directory(status)) {
    throw data_error(fmt::format(
        "{}: exists and is not a folder; choose another name for the output", path_.string()));
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_)) {
    const std::string name = entry.path().lexically_relative(path_).string();
    const bool known =
        std::any_of(replaceable_.begin(), replaceable_.end(), [&](const std::string& ours) {
          return entry.is_directory() ? ours.starts_with(name + "/") : ours == name;
        });
    if (!known) {
      throw data_error(
          fmt::format("{}: the folder exists and holds '{}', which is not of this output; "
                      "choose another name or an empty folder",
                      path_.string(), name));
    }
  }
}

void AtomicPath::create() {
  // The process id keeps two jobs apart; the number, what a killed job with that id left behind.
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary_ = folder_of(path_) /
                 fmt::format(".{}.part-{}-{}", path_.filename().string(), ::getpid(), attempt);
    int error = 0;
    if (kind_ == Kind::folder) {
      error = ::mkdir(temporary_.c_str(), 0777) == 0 ? 0 : errno;
    } else {
      const int descriptor =
          ::open(temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
      error = descriptor >= 0 ? 0 : errno;
      if (descriptor >= 0) ::close(descriptor);
    }
    if (error == 0) return;
    if (error != EEXIST) {
      throw data_error(fmt::format("{}: cannot write into the folder '{}': {}", path_.string(),
                                   folder_of(path_).string(), system_message(error)));
    }
  }
  throw data_error(fmt::format("{}: too many left-over files named like '{}'; remove them",
                               path_.string(), temporary_.string()));
}

/// What may be written: of a folder, files of the names `replaceable_` and the folders they lie in.
std::vector<std::string> AtomicPath::temporary_names() const {
  std::vector<std::string> names;
  for (const std::string& name : replaceable_) names.push_back(temporary_ / name);
  for (const std::string& name : replaceable_) {
    names.push_back((temporary_ / name).parent_path());
  }
  names.push_back(temporary_);
  return names;
}

void AtomicPath::sync() const {
  if (kind_ == Kind::folder) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(temporary_)) {
      sync_path(entry.path(), path_ / entry.path().lexically_relative(temporary_));
    }
  }
  sync_path(temporary_, path_);
}

void AtomicPath::put() {
  if (kind_ == Kind::folder) {
    put_folder();
  } else {
    // A second name for the old file. Where the file system knows no such thing, the new file
    // stays: undo() could not bring the old one back.
    const fs::path aside = temporary_.string() + ".old";
    if (::link(path_.c_str(), aside.c_str()) == 0) aside_ = aside;
    can_be_undone_ = !aside_.empty() || errno == ENOENT;
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      const int error = errno;
      settle();
      throw data_error(
          fmt::format("{}: cannot be given its name: {}", path_.string(), system_message(error)));
    }
  }
  finished_ = true;
}

/// The old folder is set aside, then the new one takes its name: at no moment does the name hold a
/// mixture.
void AtomicPath::put_folder() {
  std::error_code error;
  fs::path aside;
  if (fs::exists(path_, error)) {
    check_replaceable();
    aside = temporary_.string() + ".old";
    fs::rename(path_, aside, error);
  }
  if (!error) {
    fs::rename(temporary_, path_, error);
    std::error_code ignored;
    if (error && !aside.empty()) fs::rename(aside, path_, ignored);
  }
  if (error) {
    throw data_error(
        fmt::format("{}: the folder cannot be replaced: {}", path_.string(), error.message()));
  }
  aside_ = aside;
}

/// Back to before put().
void AtomicPath::undo() noexcept {
  if (!finished_ || !can_be_undone_) return;
  finished_ = false;
  std::error_code ignored;
  if (kind_ == Kind::file && !aside_.empty()) {
    fs::create_hard_link(path_, temporary_, ignored);  // The name always has a whole file.
  } else {
    fs::rename(path_, temporary_, ignored);
  }
  if (!aside_.empty()) fs::rename(aside_, path_, ignored);
  aside_.clear();
}

void AtomicPath::settle() noexcept {
  if (aside_.empty()) return;
  std::error_code ignored;
  if (kind_ == Kind::folder) {
    remove_replaced(aside_);
  } else {
    fs::remove(aside_, ignored);
  }
  aside_.clear();
}

void AtomicPath::remove_replaced(const fs::path& folder) const {
  std::error_code ignored;
  for (const std::string& name : replaceable_) fs::remove(folder / name, ignored);
  for (const std::string& name : replaceable_) {
    const fs::path inner = fs::path(name).parent_path();
    if (!inner.empty()) fs::remove(folder / inner, ignored);
  }
  fs::remove(folder, ignored);
}

void AtomicPath::finish() {
  AtomicPath* const self = this;
  finish_all({&self, 1});
}

void finish_all(std::span<AtomicPath* const> paths) {
  for (const AtomicPath* path : paths) path->sync();
  try {
    for (AtomicPath* path : paths) path->put();
  } catch (...) {
    for (AtomicPath* path : paths) path->undo();
    throw;
  }
  for (AtomicPath* path : paths) path->settle();
  for (const AtomicPath* path : paths) sync_path(folder_of(path->path_), path->path_);
}

}  // namespace maskclass::io
