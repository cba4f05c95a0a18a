#include "engine/io/text/table_line.h"

#include <fmt/core.h>

#include "engine/error.h"

namespace maskclass::io {

char separator_of(const std::filesystem::path& path) {
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.extension() == ".csv" ? ',' : '\t';
}

char separator_of(const std::filesystem::path& path, std::string_view first_line) {
  const std::string name = path.filename().string();
  const bool csv = separator_of(path) == ',';
  const bool tsv = name.find(".tsv") != std::string::npos;
  if (tsv) return '\t';
  for (const char separator : csv ? std::string_view(",;") : std::string_view("\t,; ")) {
    if (first_line.find(separator) != std::string_view::npos) return separator;
  }
  return csv ? ',' : '\t';
}

bool TableLine::next(std::string& field) {
  if (at_end_) return false;
  field.clear();
  if (rest_.starts_with('"')) {
    take_quoted(field);
  } else {
    field = rest_.substr(0, rest_.find(separator_));
    rest_.remove_prefix(field.size());
  }
  at_end_ = rest_.empty();
  if (!at_end_ && rest_.front() != separator_) broken_ = at_end_ = true;
  if (!at_end_) rest_.remove_prefix(1);
  return true;
}

void TableLine::take_quoted(std::string& field) {
  rest_.remove_prefix(1);
  for (;;) {
    const std::size_t quote = rest_.find('"');
    field += rest_.substr(0, quote);
    if (quote == std::string_view::npos) {
      broken_ = true;
      rest_ = {};
      return;
    }
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) return;
    field += '"';
    rest_.remove_prefix(1);
  }
}

std::vector<std::string> split_table_line(std::string_view line, char separator,
                                          const std::string& place) {
  std::vector<std::string> fields;
  TableLine cursor(line, separator);
  for (std::string field; cursor.next(field);) fields.push_back(field);
  if (cursor.broken()) {
    throw data_error(fmt::format("{}: a quoted field does not end where it should", place));
  }
  return fields;
}

}  // namespace maskclass::io
