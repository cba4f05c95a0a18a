#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "engine/progress.h"

namespace maskclass::io {

/// A text file, plain or gzip (told by its first bytes; several members are read as one), read as
/// blocks of whole lines. A thread of its own reads and decompresses ahead while the caller parses.
///
/// Every function throws Error{data} that names the file where it is missing, unreadable, empty,
/// truncated, damaged (CRC) or compressed by another program, holds bytes of value 0, or where a
/// line is longer than 1 GiB.
class TextInput {
 public:
  explicit TextInput(const std::filesystem::path& path);
  ~TextInput();
  TextInput(const TextInput&) = delete;
  TextInput& operator=(const TextInput&) = delete;

  /// The rest of the current block, or the next block: whole lines, each with its '\n' (one is
  /// added to a last line that lacks it), so that a parser that stops at '\n' needs no bound.
  /// Empty at the end of the file. Valid until the next call.
  std::string_view next_block();

  /// The next line without its line end ("\n" or "\r\n"); false at the end of the file. Valid until
  /// the next call. May be mixed with next_block().
  bool next_line(std::string_view& line);

  /// Whether the last line lacks its end, known when all is read: so does a file that was cut off.
  /// Of gzip, whose end is checked, never.
  bool lacks_last_line_end() const;

  /// The number of the line that next_line() gave last, from 1; counts no lines of blocks.
  std::int64_t line_number() const { return line_number_; }

  /// "file" and "file:line", as messages begin.
  const std::string& name() const { return name_; }
  std::string at_line(std::int64_t line) const;

  /// Bytes on disk, and how many of them have been read; 0 where the size is unknown (a pipe).
  std::int64_t file_size() const;
  std::int64_t bytes_read() const;

  /// The most characters that the file can unpack to (deflate packs 1032 to 1 at best); the largest
  /// number there is where the size is unknown. Bounds what a header may claim.
  std::int64_t largest_text() const;

 private:
  class Producer;
  std::string name_;
  std::unique_ptr<Producer> producer_;
  std::string_view rest_;
  std::int64_t line_number_ = 0;
};

/// The line that says so, once all is read, where the last line lacks its end.
void log_last_line(const TextInput& input, const Callbacks& callbacks);

}  // namespace maskclass::io
