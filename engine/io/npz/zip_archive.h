#pragma once

#include <filesystem>
#include <memory>
#include <string>

struct zip;

namespace maskclass::io {

/// A zip file opened for reading. Throws Error{data} that names the file where it is missing, no
/// zip, truncated or damaged.
class ZipArchive {
 public:
  explicit ZipArchive(const std::filesystem::path& path);

  bool has(const std::string& member) const;
  /// All bytes of a member, its checksum verified. Memory is taken as the bytes come, not for what
  /// the archive claims.
  std::string read(const std::string& member) const;

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<zip, void (*)(zip*)> archive_;
};

}  // namespace maskclass::io
