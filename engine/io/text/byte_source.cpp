#include "engine/io/text/byte_source.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "engine/error.h"

namespace maskclass::io {
namespace {

constexpr std::size_t kReadSize = 1 << 18;

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : name_(path.string()) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) {
    throw data_error(errno == ENOENT
                         ? fmt::format("{}: no such file", name_)
                         : fmt::format("{}: cannot be opened: {}", name_, system_message(errno)));
  }
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISDIR(status.st_mode)) {
    ::close(descriptor_);
    throw data_error(fmt::format("{}: is a folder, not a file", name_));
  }
  if (known && S_ISREG(status.st_mode)) size_ = status.st_size;
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

std::size_t InputFile::read(char* out, std::size_t size) {
  for (;;) {
    const ssize_t n = ::read(descriptor_, out, size);
    if (n >= 0) {
      bytes_read_.fetch_add(n, std::memory_order_relaxed);
      return static_cast<std::size_t>(n);
    }
    if (errno != EINTR) {
      throw data_error(fmt::format("{}: cannot be read: {}", name_, system_message(errno)));
    }
  }
}

void InputFile::read_at(std::int64_t offset, char* out, std::size_t size) const {
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pread(descriptor_, out + done, size - done, offset + done);
    if (n == 0) throw data_error(fmt::format("{}: is shorter than its header says", name_));
    if (n < 0 && errno != EINTR) {
      throw data_error(fmt::format("{}: cannot be read: {}", name_, system_message(errno)));
    }
    done += n > 0 ? n : 0;
  }
}

ByteSource::ByteSource(const std::filesystem::path& path) : file_(path), buffer_(kReadSize) {
  fill();
  if (begin_ == end_) throw data_error(fmt::format("{}: the file is empty", file_.name()));
  refuse_other_compression();
  is_gzip_ = end_ >= 2 && buffer_[0] == '\x1f' && buffer_[1] == '\x8b';
  // 16: a gzip header and checksum are expected.
  if (is_gzip_ && inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
}

ByteSource::~ByteSource() {
  if (is_gzip_) inflateEnd(&stream_);
}

void ByteSource::refuse_other_compression() const {
  using namespace std::string_view_literals;
  constexpr struct {
    std::string_view magic;
    const char* program;
  } others[] = {{"BZh"sv, "bzip2"},
                {"\xfd"
                 "7zXZ\0"sv,
                 "xz"},
                {"\x28\xb5\x2f\xfd"sv, "zstd"},
                {"PK\x03\x04"sv, "zip"},
                {"\x89HDF\r\n"sv, "HDF5"}};
  const std::string_view start(buffer_.data(), end_);
  for (const auto& other : others) {
    if (start.substr(0, other.magic.size()) != other.magic) continue;
    throw data_error(
        fmt::format("{}: is a {} file, text or gzip is expected; convert it or check its name",
                    file_.name(), other.program));
  }
}

/// Refills the buffer where it is used up; leaves it empty at the end of the file.
void ByteSource::fill() {
  if (begin_ < end_) return;
  begin_ = 0;
  end_ = file_.read(buffer_.data(), buffer_.size());
}

std::size_t ByteSource::read(char* out, std::size_t size) {
  if (is_gzip_) return read_gzip(out, size);
  if (begin_ == end_) return file_.read(out, size);
  const std::size_t n = std::min(size, end_ - begin_);
  std::memcpy(out, buffer_.data() + begin_, n);
  begin_ += n;
  return n;
}

std::size_t ByteSource::read_gzip(char* out, std::size_t size) {
  std::size_t done = 0;
  while (done < size && !at_end_) {
    fill();
    if (begin_ == end_) {
      throw data_error(fmt::format(
          "{}: the gzip data break off: the file is truncated, copy or download it again",
          file_.name()));
    }
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data() + begin_);
    stream_.avail_in = static_cast<uInt>(end_ - begin_);
    stream_.next_out = reinterpret_cast<Bytef*>(out + done);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size - done, 1u << 30));
    const std::size_t room = stream_.avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    begin_ = end_ - stream_.avail_in;
    done += room - stream_.avail_out;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END) {
      throw data_error(fmt::format("{}: the gzip data are damaged ({}): copy or download it again",
                                   file_.name(), stream_.msg ? stream_.msg : "no end in sight"));
    }
    if (status == Z_STREAM_END) at_end_ = !next_member();
  }
  return done;
}

/// Whether another member follows. Zero bytes may pad the end, as gzip itself allows; the rest of a
/// file that is neither is refused.
bool ByteSource::next_member() {
  fill();
  while (begin_ < end_ && buffer_[begin_] == '\0') {
    ++begin_;
    fill();
  }
  if (begin_ == end_) return false;
  if (buffer_[begin_] != '\x1f') {
    throw data_error(
        fmt::format("{}: bytes that are not gzip follow the gzip data: the file is "
                    "damaged, copy or download it again",
                    file_.name()));
  }
  inflateReset(&stream_);
  return true;
}

}  // namespace maskclass::io
