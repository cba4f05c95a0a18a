#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace maskclass::io {

/// What separates the fields of a table, by its ending (.gz aside): ',' for .csv, else a tab.
char separator_of(const std::filesystem::path& path);

/// The same, told by the first line where the name does not settle it: semicolons of a .csv where
/// the decimal sign is a comma, and tabs, commas, semicolons or blanks of a .txt.
char separator_of(const std::filesystem::path& path, std::string_view first_line);

/// The fields of one line of a table, left to right. A field in double quotes may hold separators,
/// and a quote written twice; it must end on its line.
class TableLine {
 public:
  TableLine(std::string_view line, char separator) : rest_(line), separator_(separator) {}

  /// False behind the last field. An empty line has one empty field.
  bool next(std::string& field);
  /// A quoted field did not end, or text follows its end.
  bool broken() const { return broken_; }

 private:
  void take_quoted(std::string& field);

  std::string_view rest_;
  char separator_;
  bool at_end_ = false;
  bool broken_ = false;
};

/// All fields of a line; throws Error{data} that begins with `place` where a quote is not closed.
std::vector<std::string> split_table_line(std::string_view line, char separator,
                                          const std::string& place);

}  // namespace maskclass::io
