#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace maskclass::io {

/// A file being written; the descriptor is closed with it. `name` stands in messages: the final
/// name of a file that is written under a temporary one. Throws Error{data} on failure (disk full).
class OutputFile {
 public:
  OutputFile(const std::filesystem::path& path, std::string name);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const char* data, std::size_t size);
  void write_at(std::int64_t offset, const char* data, std::size_t size);
  /// Some file systems report a failed write only here.
  void close();

 private:
  [[noreturn]] void refuse(int error) const;
  std::string name_;
  int descriptor_ = -1;
};

/// Text, buffered, plain or gzip (level 1: the text of counts packs nearly as well as with more).
class TextOutput {
 public:
  TextOutput(const std::filesystem::path& path, const std::string& name, bool gzip);
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  void write(std::string_view text);
  void write(char c) {
    if (size_ == buffer_.size()) flush();
    buffer_[size_++] = c;
  }
  void write_whole(std::int64_t value);
  /// The shortest text that reads back as the same float; whole numbers below 2^24 as such.
  void write_value(float value);

  /// Writes the file's first text, which replace_head() may replace later by another of the same
  /// length. In a gzip file it is a member of its own, stored and not compressed, so that its
  /// length in bytes does not depend on what it says; readers take several members as one text.
  void write_head(std::string_view text);
  void replace_head(std::string_view text);

  /// Writes what is buffered, then closes; without it the file is not complete.
  void close();

 private:
  char* room(std::size_t size);
  void flush();
  void deflate_buffer(int flush_mode);

  OutputFile file_;
  bool gzip_;
  std::vector<char> buffer_;
  std::size_t size_ = 0;
  std::size_t head_size_ = 0;
  std::vector<char> packed_;
  z_stream stream_{};
};

}  // namespace maskclass::io
