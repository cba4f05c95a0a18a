#pragma once

#include <zlib.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace maskclass::io {

/// A file opened for reading; the descriptor is closed with it. Throws Error{data} that names the
/// file where it is missing, a folder or unreadable.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Up to `size` bytes from the current place; 0 at the end.
  std::size_t read(char* out, std::size_t size);
  /// Exactly `size` bytes from `offset`; a shorter file is an error.
  void read_at(std::int64_t offset, char* out, std::size_t size) const;

  const std::string& name() const { return name_; }
  std::int64_t size() const { return size_; }  ///< 0 where unknown (a pipe).
  std::int64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

 private:
  std::string name_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::atomic<std::int64_t> bytes_read_{0};  // Asked for by another thread than reads.
};

/// The text of a file, gzip (one member or several, checksums verified) or plain.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Up to `size` bytes of text, 0 at the end only. Throws Error{data} for damaged gzip data.
  std::size_t read(char* out, std::size_t size);

  bool is_gzip() const { return is_gzip_; }
  const InputFile& file() const { return file_; }

 private:
  void fill();
  void refuse_other_compression() const;
  std::size_t read_gzip(char* out, std::size_t size);
  bool next_member();

  InputFile file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool is_gzip_ = false;
  bool at_end_ = false;
  z_stream stream_{};
};

}  // namespace maskclass::io
