#include "engine/io/text/text_input.h"

#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::TextInput;
using maskclass::test::check_error;
using maskclass::test::gzip;
using maskclass::test::Scratch;

namespace {

std::string all_blocks(const std::filesystem::path& path) {
  TextInput input(path);
  std::string text;
  for (auto block = input.next_block(); !block.empty(); block = input.next_block()) {
    CHECK(block.back() == '\n');
    text += block;
  }
  return text;
}

std::vector<std::string> all_lines(const std::filesystem::path& path) {
  TextInput input(path);
  std::vector<std::string> lines;
  for (std::string_view line; input.next_line(line);) lines.emplace_back(line);
  CHECK(input.line_number() == static_cast<std::int64_t>(lines.size()));
  return lines;
}

/// Lines of many lengths, some longer than a block.
std::string long_text() {
  std::string text;
  for (std::int64_t k = 0; k < 300000; ++k) text += "line " + std::to_string(k * 7919) + "\n";
  text += std::string(3'000'000, 'x') + "\n";
  for (int k = 0; k < 1000; ++k) text += std::string(k, 'y') + "\n";
  return text;
}

}  // namespace

TEST_CASE("plain, gzip and gzip of several members give the same text") {
  const Scratch scratch;
  const std::string text = long_text();
  CHECK(all_blocks(scratch.file("plain", text)) == text);
  CHECK(all_blocks(scratch.file("one.gz", gzip(text))) == text);
  const std::string members = gzip(text.substr(0, 100)) + gzip("") + gzip(text.substr(100));
  CHECK(all_blocks(scratch.file("three.gz", members)) == text);
  // gzip itself allows zero bytes behind the end (tapes).
  CHECK(all_blocks(scratch.file("padded.gz", gzip(text) + std::string(512, '\0'))) == text);
}

TEST_CASE("line ends and marks of other systems") {
  const Scratch scratch;
  CHECK(all_lines(scratch.file("a", "one\r\ntwo\nthree")) ==
        std::vector<std::string>{"one", "two", "three"});
  CHECK(all_lines(scratch.file("b", "\xef\xbb\xbfone\n\ntwo\n")) ==
        std::vector<std::string>{"one", "", "two"});
}

TEST_CASE("a block follows the lines that were taken from it") {
  const Scratch scratch;
  TextInput input(scratch.file("a", "one\ntwo\nthree\n"));
  std::string_view line;
  REQUIRE(input.next_line(line));
  CHECK(line == "one");
  CHECK(input.next_block() == "two\nthree\n");
  CHECK(input.next_block().empty());
  CHECK(!input.next_line(line));
}

TEST_CASE("a reader that stops early does not wait for the rest") {
  const Scratch scratch;
  const auto path = scratch.file("a.gz", gzip(long_text()));
  for (int k = 0; k < 20; ++k) {
    TextInput input(path);
    std::string_view line;
    CHECK(input.next_line(line));
  }
}

TEST_CASE("damaged and missing files are named") {
  const Scratch scratch;
  const std::string packed = gzip(long_text());
  const auto reads = [](const std::filesystem::path& path) { return [path] { all_blocks(path); }; };
  check_error(ErrorKind::data, {"gone", "no such file"}, reads(scratch / "gone"));
  check_error(ErrorKind::data, {"empty", "the file is empty"}, reads(scratch.file("empty", "")));
  check_error(ErrorKind::data, {"empty.gz", "the file is empty"},
              reads(scratch.file("empty.gz", gzip(""))));
  check_error(ErrorKind::data, {"is a folder"}, reads(scratch.path()));
  for (const std::size_t size :
       {std::size_t{2}, std::size_t{9}, packed.size() / 2, packed.size() - 9, packed.size() - 1}) {
    check_error(ErrorKind::data, {"cut.gz", "truncated"},
                reads(scratch.file("cut.gz", packed.substr(0, size))));
  }
  std::string wrong_sum = packed;
  wrong_sum[packed.size() - 6] ^= 1;
  check_error(ErrorKind::data, {"sum.gz", "damaged"}, reads(scratch.file("sum.gz", wrong_sum)));
  std::string wrong_bits = packed;
  for (std::size_t k = 0; k < 64; ++k) wrong_bits[packed.size() / 2 + k] ^= 0x5a;
  check_error(ErrorKind::data, {"bits.gz", "damaged"}, reads(scratch.file("bits.gz", wrong_bits)));
  check_error(ErrorKind::data, {"tail.gz", "not gzip follow"},
              reads(scratch.file("tail.gz", packed + "garbage")));
  check_error(ErrorKind::data, {"bz", "bzip2"}, reads(scratch.file("bz", "BZh91AY&SY")));
}
