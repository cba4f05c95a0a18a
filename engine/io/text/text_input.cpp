#include "engine/io/text/text_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/io/text/byte_source.h"

namespace maskclass::io {
namespace {

/// Half a megabyte: large enough that handing a block over costs nothing, small enough that it is
/// still in a cache when it is parsed.
constexpr std::size_t kBlockSize = 1 << 19;
constexpr std::size_t kLongestLine = 1 << 30;
constexpr std::size_t kBlocksAhead = 4;

}  // namespace

/// The thread that reads ahead, and the blocks that wait to be parsed.
class TextInput::Producer {
 public:
  explicit Producer(const std::filesystem::path& path)
      : source_(path), thread_([this] { run(); }) {}

  ~Producer() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Gives the block before back and waits for the next; empty at the end.
  std::string_view next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !ready_.empty() || finished_; });
    if (ready_.empty()) {
      current_ = {};
      if (error_) std::rethrow_exception(error_);
      return {};
    }
    std::swap(current_, ready_.front());
    if (ready_.front().text) free_.push_back(std::move(ready_.front()));
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return {current_.text.get(), current_.size};
  }

  const ByteSource& source() const { return source_; }

  bool lacks_last_line_end() {
    const std::lock_guard lock(mutex_);
    return lacks_last_line_end_;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> text = std::make_unique_for_overwrite<char[]>(kBlockSize);
    std::size_t capacity = kBlockSize;
    std::size_t size = 0;

    void grow() {
      auto larger = std::make_unique_for_overwrite<char[]>(2 * capacity);
      std::memcpy(larger.get(), text.get(), size);
      text = std::move(larger);
      capacity *= 2;
    }
  };

  void run() {
    try {
      while (produce_block()) {
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
    }
    changed_.notify_all();
  }

  /// False at the end of the file and where nobody waits any more.
  bool produce_block() {
    Block block = empty_block();
    std::copy(carry_.begin(), carry_.end(), block.text.get());
    block.size = carry_.size();
    bool at_end = false;
    char* last_end = nullptr;
    while (last_end == nullptr && !at_end) {
      if (block.size == block.capacity) grow(block);
      const std::size_t n_before = block.size;
      at_end = fill(block);
      refuse_zeros(block.text.get() + n_before, block.size - n_before);
      last_end = static_cast<char*>(memrchr(block.text.get(), '\n', block.size));
    }
    if (at_end) {
      carry_.clear();
      add_last_line_end(block);
    } else {
      carry_.assign(last_end + 1, block.text.get() + block.size);
      block.size = last_end + 1 - block.text.get();
    }
    return hand_over(std::move(block)) && !at_end;
  }

  /// A fresh block, or one given back, with room for what is carried over from the one before.
  Block empty_block() {
    Block block = recycled_block();
    block.size = 0;
    while (block.capacity < carry_.size() + kBlockSize / 2) block.grow();
    return block;
  }

  Block recycled_block() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return {};
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }

  /// Such a byte would end a name early.
  void refuse_zeros(const char* text, std::size_t size) const {
    if (memchr(text, 0, size) == nullptr) return;
    throw data_error(
        fmt::format("{}: has bytes of value 0: it is no text, or text as UTF-16; save it as UTF-8",
                    source_.file().name()));
  }

  void grow(Block& block) const {
    if (block.capacity >= kLongestLine) {
      throw data_error(fmt::format("{}: has a line longer than 1 GiB; is it a text file?",
                                   source_.file().name()));
    }
    block.grow();
  }

  /// True at the end of the file.
  bool fill(Block& block) {
    while (block.size < block.capacity) {
      const std::size_t n =
          source_.read(block.text.get() + block.size, block.capacity - block.size);
      if (n == 0) return true;
      block.size += n;
    }
    return false;
  }

  void add_last_line_end(Block& block) {
    if (block.size == 0 || block.text[block.size - 1] == '\n') return;
    {
      const std::lock_guard lock(mutex_);
      lacks_last_line_end_ = !source_.is_gzip();
    }
    if (block.size == block.capacity) block.grow();
    block.text[block.size++] = '\n';
  }

  bool hand_over(Block block) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_.size() < kBlocksAhead || stopped_; });
    if (stopped_) return false;
    if (block.size > 0) ready_.push_back(std::move(block));
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  ByteSource source_;
  std::vector<char> carry_;  // The start of a line that the block before could not hold whole.
  Block current_{nullptr, 0, 0};
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::deque<Block> ready_;
  std::vector<Block> free_;
  std::exception_ptr error_;
  bool lacks_last_line_end_ = false;
  bool finished_ = false;
  bool stopped_ = false;
  std::thread thread_;  // Last: starts when all else is there.
};

TextInput::TextInput(const std::filesystem::path& path)
    : name_(path.string()), producer_(std::make_unique<Producer>(path)) {
  rest_ = producer_->next();
  if (rest_.empty()) throw data_error(fmt::format("{}: the file is empty", name_));
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (rest_.substr(0, 3) == byte_order_mark) rest_.remove_prefix(3);
}

TextInput::~TextInput() = default;

std::string_view TextInput::next_block() {
  if (rest_.empty()) rest_ = producer_->next();
  return std::exchange(rest_, {});
}

bool TextInput::next_line(std::string_view& line) {
  if (rest_.empty()) rest_ = producer_->next();
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  ++line_number_;
  return true;
}

bool TextInput::lacks_last_line_end() const {
  return producer_->lacks_last_line_end();
}

std::string TextInput::at_line(std::int64_t line) const {
  return fmt::format("{}:{}", name_, line);
}

std::int64_t TextInput::file_size() const {
  return producer_->source().file().size();
}

std::int64_t TextInput::bytes_read() const {
  return producer_->source().file().bytes_read();
}

std::int64_t TextInput::largest_text() const {
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  const std::int64_t size = file_size();
  if (size == 0) return largest;
  if (!producer_->source().is_gzip()) return size;
  return size > largest / 1032 ? largest : size * 1032;
}

void log_last_line(const TextInput& input, const Callbacks& callbacks) {
  if (!input.lacks_last_line_end()) return;
  log_line(callbacks, fmt::format("{}: the last line has no line end; check that the file was not "
                                  "cut off within it",
                                  input.name()));
}

}  // namespace maskclass::io
