#pragma once

#include <filesystem>

namespace maskclass::io {

/// A file or folder that is written under a temporary name beside its final one, so that the final
/// name never holds half of it: finish() syncs and renames; destroyed before that (an error, a
/// cancelled job) the object removes what was written.
class AtomicPath {
 public:
  enum class Kind { file, folder };

  /// Chooses the temporary name in the folder of `path`, and creates an empty file or folder there.
  /// Throws Error{data} where the folder of `path` is missing or not writable, or `path` cannot be
  /// replaced: it is a folder and a file is asked for, or the other way round.
  AtomicPath(const std::filesystem::path& path, Kind kind);
  ~AtomicPath();
  AtomicPath(const AtomicPath&) = delete;
  AtomicPath& operator=(const AtomicPath&) = delete;

  /// Where to write until finish(). For a folder: put files into it.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// The name that finish() gives it.
  const std::filesystem::path& path() const { return path_; }

  /// Syncs the file (a folder: every file in it) and the folder above it, and renames it to the
  /// final name. What stood there is replaced; a folder there is replaced whole if it is empty or
  /// holds files only that are in the new one too, so that nothing unrelated is ever deleted.
  /// Writers must have closed or flushed the file. Throws Error{data} on failure (disk full).
  void finish();

 private:
  void replace_folder();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Kind kind_;
  bool finished_ = false;
};

}  // namespace maskclass::io
