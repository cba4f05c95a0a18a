#include "engine/io/text/text_output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <new>
#include <utility>

#include "engine/error.h"

namespace maskclass::io {
namespace {

constexpr std::size_t kWriteSize = 1 << 18;

/// `text` as a gzip member that stores it as it is.
std::vector<char> stored_member(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::vector<char> member(deflateBound(&stream, text.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(member.data());
  stream.avail_out = static_cast<uInt>(member.size());
  deflate(&stream, Z_FINISH);
  member.resize(stream.total_out);
  deflateEnd(&stream);
  return member;
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path, std::string name)
    : name_(std::move(name)) {
  descriptor_ = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor_ < 0) refuse(errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::refuse(int error) const {
  throw data_error(fmt::format("{}: cannot be written: {}", name_, system_message(error)));
}

void OutputFile::write(const char* data, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::write(descriptor_, data + done, size - done);
    if (n < 0 && errno != EINTR) refuse(errno);
    done += n > 0 ? n : 0;
  }
}

void OutputFile::write_at(std::int64_t offset, const char* data, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pwrite(descriptor_, data + done, size - done, offset + done);
    if (n < 0 && errno != EINTR) refuse(errno);
    done += n > 0 ? n : 0;
  }
}

void OutputFile::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0) refuse(errno);
}

TextOutput::TextOutput(const std::filesystem::path& path, const std::string& name, bool gzip)
    : file_(path, name), gzip_(gzip), buffer_(kWriteSize) {
  if (!gzip_) return;
  packed_.resize(kWriteSize);
  if (deflateInit2(&stream_, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

TextOutput::~TextOutput() {
  if (gzip_) deflateEnd(&stream_);
}

/// Room for `size` characters behind what is buffered.
char* TextOutput::room(std::size_t size) {
  if (buffer_.size() - size_ < size) flush();
  return buffer_.data() + size_;
}

void TextOutput::write(std::string_view text) {
  while (!text.empty()) {
    if (size_ == buffer_.size()) flush();
    const std::size_t n = std::min(text.size(), buffer_.size() - size_);
    std::memcpy(buffer_.data() + size_, text.data(), n);
    size_ += n;
    text.remove_prefix(n);
  }
}

void TextOutput::write_whole(std::int64_t value) {
  constexpr std::size_t longest = 20;
  char* at = room(longest);
  size_ += std::to_chars(at, at + longest, value).ptr - at;
}

void TextOutput::write_value(float value) {
  constexpr float exact_below = 16777216.0f;
  if (std::fabs(value) < exact_below) {
    const auto whole = static_cast<std::int32_t>(value);
    if (static_cast<float>(whole) == value) return write_whole(whole);
  }
  constexpr std::size_t longest = 32;
  char* at = room(longest);
  size_ += std::to_chars(at, at + longest, value).ptr - at;
}

void TextOutput::write_head(std::string_view text) {
  head_size_ = text.size();
  if (gzip_) {
    const std::vector<char> member = stored_member(text);
    file_.write(member.data(), member.size());
  } else {
    file_.write(text.data(), text.size());
  }
}

void TextOutput::replace_head(std::string_view text) {
  if (text.size() != head_size_) throw std::logic_error("replace_head: another length");
  if (gzip_) {
    const std::vector<char> member = stored_member(text);
    file_.write_at(0, member.data(), member.size());
  } else {
    file_.write_at(0, text.data(), text.size());
  }
}

void TextOutput::flush() {
  if (gzip_) {
    deflate_buffer(Z_NO_FLUSH);
  } else {
    file_.write(buffer_.data(), size_);
  }
  size_ = 0;
}

void TextOutput::deflate_buffer(int flush_mode) {
  stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
  stream_.avail_in = static_cast<uInt>(size_);
  do {
    stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
    stream_.avail_out = static_cast<uInt>(packed_.size());
    deflate(&stream_, flush_mode);
    file_.write(packed_.data(), packed_.size() - stream_.avail_out);
  } while (stream_.avail_out == 0);
}

void TextOutput::close() {
  if (gzip_) {
    deflate_buffer(Z_FINISH);
    size_ = 0;
  } else {
    flush();
  }
  file_.close();
}

}  // namespace maskclass::io
