#include "engine/io/text/matrix_market_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "engine/io/csr_builder.h"
#include "engine/io/text/parse_number.h"
#include "engine/io/tidy_rows.h"

namespace maskclass::io {
namespace {

std::vector<std::string> lower_case_words(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : line) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank && !inside) words.emplace_back();
    if (!blank) words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    inside = !blank;
  }
  return words;
}

/// As much of a line as a message can bear.
std::string excerpt(std::string_view line) {
  constexpr std::size_t longest = 60;
  std::string text(line.substr(0, std::min(line.find_first_of("\r\n"), longest)));
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = c == '\t' ? ' ' : '?';
  }
  return line.size() > longest ? text + "..." : text;
}

struct MatrixEntry {
  std::int64_t row = 0;
  std::int64_t column = 0;
  float value = 0;
};

/// "row column value", then the place behind the line's '\n'; null where the line is anything else.
inline const char* parse_entry(const char* at, MatrixEntry& entry) {
  at = parse_whole(skip_blanks(at), entry.row);
  if (at == nullptr || (*at != ' ' && *at != '\t')) return nullptr;
  at = parse_whole(skip_blanks(at), entry.column);
  if (at == nullptr || (*at != ' ' && *at != '\t')) return nullptr;
  at = parse_value(skip_blanks(at), entry.value);
  if (at == nullptr) return nullptr;
  at = skip_blanks(at);
  if (*at == '\r') ++at;
  return *at == '\n' ? at + 1 : nullptr;
}

bool is_blank_line(const char* at) {
  at = skip_blanks(at);
  if (*at == '\r') ++at;
  return *at == '\n';
}

}  // namespace

/// Walks the blocks of a file line by line and gives every entry, checked, to a function.
class MatrixMarketFile::EntryParser {
 public:
  explicit EntryParser(const MatrixMarketFile& file) : file_(file), line_(file.header_lines_) {}

  template <typename Take>
  void parse(std::string_view block, Take take) {
    const char* at = block.data();
    const char* const end = at + block.size();
    const auto n_rows = static_cast<std::uint64_t>(file_.n_rows_);
    const auto n_columns = static_cast<std::uint64_t>(file_.n_columns_);
    MatrixEntry entry;
    while (at < end) {
      ++line_;
      const char* next = parse_entry(at, entry);
      if (next == nullptr) {
        if (!is_blank_line(at)) refuse_line({at, static_cast<std::size_t>(end - at)});
        at = skip_blanks(at);
        at += *at == '\r' ? 2 : 1;
        continue;
      }
      at = next;
      // Numbered from 1: 0 becomes the largest number there is.
      if (static_cast<std::uint64_t>(entry.row - 1) >= n_rows ||
          static_cast<std::uint64_t>(entry.column - 1) >= n_columns) {
        refuse_index(entry);
      }
      if (++n_read_ > file_.n_entries_) refuse_surplus();
      take(entry);
    }
  }

  std::int64_t n_read() const { return n_read_; }
  std::int64_t line() const { return line_; }

 private:
  std::string place() const { return file_.input_.at_line(line_); }

  [[noreturn]] void refuse_line(std::string_view rest) const {
    throw data_error(fmt::format("{}: '{}' is not an entry 'row column value'", place(),
                                 excerpt(rest.substr(0, rest.find('\n')))));
  }
  [[noreturn]] void refuse_index(const MatrixEntry& entry) const {
    const bool row = entry.row < 1 || entry.row > file_.n_rows_;
    throw data_error(fmt::format("{}: {} {} is not in 1 to {}", place(), row ? "row" : "column",
                                 row ? entry.row : entry.column,
                                 row ? file_.n_rows_ : file_.n_columns_));
  }
  [[noreturn]] void refuse_surplus() const {
    throw data_error(fmt::format("{}: more entries than the {} that line {} promises", place(),
                                 file_.n_entries_, file_.header_lines_));
  }

  const MatrixMarketFile& file_;
  std::int64_t line_;
  std::int64_t n_read_ = 0;
};

MatrixMarketFile::MatrixMarketFile(const std::filesystem::path& path) : path_(path), input_(path) {
  read_banner();
  read_sizes();
  check_sizes();
}

void MatrixMarketFile::read_banner() {
  std::string_view line;
  input_.next_line(line);
  const std::vector<std::string> words = lower_case_words(line.substr(0, 200));
  if (words.empty() || words[0] != "%%matrixmarket") {
    throw data_error(
        fmt::format("{}: is not Matrix Market: the first line must begin with '%%MatrixMarket'",
                    input_.at_line(1)));
  }
  const bool complete = words.size() >= 5 && words[1] == "matrix";
  if (!complete || words[2] != "coordinate" || (words[3] != "real" && words[3] != "integer") ||
      words[4] != "general") {
    throw data_error(
        fmt::format("{}: '{}' is not read, only 'matrix coordinate integer general' "
                    "and 'matrix coordinate real general'",
                    input_.at_line(1), excerpt(line)));
  }
}

void MatrixMarketFile::read_sizes() {
  std::string_view line;
  do {
    if (!input_.next_line(line)) {
      throw data_error(fmt::format("{}: ends before the line with the sizes", name()));
    }
  } while (line.starts_with('%') || lower_case_words(line).empty());
  header_lines_ = input_.line_number();

  const std::vector<std::string> words = lower_case_words(line.substr(0, 200));
  std::int64_t* sizes[] = {&n_rows_, &n_columns_, &n_entries_};
  bool good = words.size() == 3;
  for (std::size_t k = 0; k < 3 && good; ++k) {
    const std::string word = words[k] + "\n";
    const char* end = parse_whole(word.c_str(), *sizes[k]);
    good = end != nullptr && *end == '\n';
  }
  if (!good) {
    throw data_error(
        fmt::format("{}: '{}' is not 'rows columns entries'", size_line(), excerpt(line)));
  }
}

void MatrixMarketFile::check_sizes() const {
  constexpr std::int64_t largest = std::numeric_limits<std::int32_t>::max();
  if (n_rows_ > largest || n_columns_ > largest) {
    throw data_error(fmt::format("{}: {} x {} is too large: at most 2^31 - 1 rows and columns",
                                 size_line(), n_rows_, n_columns_));
  }
  if (n_rows_ == 0 || n_columns_ == 0 || n_entries_ == 0) {
    throw data_error(fmt::format("{}: the matrix is empty ({} rows, {} columns, {} entries)",
                                 size_line(), n_rows_, n_columns_, n_entries_));
  }
  if (n_entries_ > n_rows_ * n_columns_) {
    throw data_error(fmt::format("{}: {} entries do not fit into {} x {}", size_line(), n_entries_,
                                 n_rows_, n_columns_));
  }
  constexpr std::int64_t shortest_line = 6;  // "1 1 1\n"
  if (n_entries_ - 1 > input_.largest_text() / shortest_line) {
    throw data_error(
        fmt::format("{}: promises {} entries, more than a file of {} bytes can hold: "
                    "the file is truncated or its header wrong",
                    size_line(), n_entries_, input_.file_size()));
  }
}

CsrMatrix MatrixMarketFile::read(bool genes_are_rows, const Callbacks& callbacks) {
  const std::int64_t n_cells = genes_are_rows ? n_columns_ : n_rows_;
  const std::int64_t n_genes = genes_are_rows ? n_rows_ : n_columns_;
  // A pipe's header cannot be checked against the size of the file, so nothing is taken for it.
  CsrBuilder builder(n_cells, n_genes, input_.file_size() > 0 ? n_entries_ : 0);
  EntryParser parser(*this);
  for (auto block = input_.next_block(); !block.empty(); block = input_.next_block()) {
    if (genes_are_rows) {
      parser.parse(block, [&](const MatrixEntry& entry) {
        builder.append(entry.column - 1, static_cast<std::int32_t>(entry.row - 1), entry.value);
      });
    } else {
      parser.parse(block, [&](const MatrixEntry& entry) {
        builder.append(entry.row - 1, static_cast<std::int32_t>(entry.column - 1), entry.value);
      });
    }
    report_progress(callbacks,
                    {"read", input_.bytes_read() >> 10, input_.file_size() >> 10, "kB", 0});
  }
  if (parser.n_read() < n_entries_) {
    throw data_error(
        fmt::format("{}: ends after {} of the {} entries that line {} promises: the "
                    "file is truncated",
                    name(), parser.n_read(), n_entries_, header_lines_));
  }
  if (const auto twice = builder.finish()) {
    const std::int64_t gene = twice->gene;
    refuse_twice(1 + (genes_are_rows ? gene : twice->cell),
                 1 + (genes_are_rows ? twice->cell : gene));
  }
  log_sorted(name(), builder.n_sorted(), "cell", callbacks);
  log_last_line(input_, callbacks);
  return builder.take();
}

/// Reads the file again for the line's number.
void MatrixMarketFile::refuse_twice(std::int64_t row, std::int64_t column) const {
  std::string place = name();
  if (input_.file_size() > 0) {
    MatrixMarketFile again(path_);
    EntryParser parser(again);
    int n_found = 0;
    std::int64_t second = 0;
    for (auto block = again.input_.next_block(); !block.empty() && n_found < 2;
         block = again.input_.next_block()) {
      parser.parse(block, [&](const MatrixEntry& entry) {
        if (entry.row == row && entry.column == column && ++n_found == 2) second = parser.line();
      });
    }
    if (second > 0) place = input_.at_line(second);
  }
  throw data_error(
      fmt::format("{}: the entry of row {}, column {} stands a second time", place, row, column));
}

}  // namespace maskclass::io
