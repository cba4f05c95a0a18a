#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/io/temporary_names.h"

namespace maskclass::io {

/// A file or folder that is written under a temporary name beside its final one, so that the final
/// name never holds half of it: finish() syncs and renames; destroyed before that (an error, a
/// cancelled job) the object removes what was written, as does TemporaryNames::remove_all().
class AtomicPath {
 public:
  enum class Kind { file, folder };

  /// Creates an empty file or folder under the temporary name. What stands at `path` stays until
  /// finish(); a folder that exists there must be empty or hold files of the names `replaceable`
  /// ("log2/matrix.mtx.gz") only, so that nothing unrelated is ever deleted. Throws Error{data}
  /// otherwise, where the folder above `path` is missing or not writable, and where a folder stands
  /// in a file's place or the other way round.
  AtomicPath(const std::filesystem::path& path, Kind kind,
             std::vector<std::string> replaceable = {});
  ~AtomicPath();
  AtomicPath(const AtomicPath&) = delete;
  AtomicPath& operator=(const AtomicPath&) = delete;

  /// Where to write until finish(). For a folder: put files into it.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// The name that finish() gives it.
  const std::filesystem::path& path() const { return path_; }

  /// Syncs the file (or every file in the folder), renames it to the final name and syncs the
  /// folder above. Files must have been closed. Throws Error{data} on failure, such as a full disk.
  void finish();

 private:
  friend void finish_all(std::span<AtomicPath* const> paths);

  void check_replaceable() const;
  void create();
  std::vector<std::string> temporary_names() const;
  void sync() const;
  /// Gives the final name. What had it is kept aside, if that can be, until settle() or undo().
  void put();
  void undo() noexcept;
  void settle() noexcept;
  void put_folder();
  void remove_replaced(const std::filesystem::path& folder) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::filesystem::path aside_;  ///< Where what was replaced stands; empty where nothing does.
  Kind kind_;
  std::vector<std::string> replaceable_;
  std::optional<TemporaryNames> known_;  ///< To a handler of crashes: temporary_ and all in it.
  bool finished_ = false;
  bool can_be_undone_ = true;
};

/// Finishes several as one: all are synced before the first gets its name, and where one cannot get
/// it, those before it are taken back and what they replaced stands again. Throws as finish() does.
void finish_all(std::span<AtomicPath* const> paths);

}  // namespace maskclass::io
