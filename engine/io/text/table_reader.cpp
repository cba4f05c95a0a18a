#include "engine/io/text/table_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "engine/error.h"
#include "engine/io/csr_builder.h"
#include "engine/io/text/name_lists.h"
#include "engine/io/text/name_patterns.h"
#include "engine/io/text/parse_number.h"
#include "engine/io/text/table_line.h"
#include "engine/io/text/text_input.h"

namespace maskclass::io {
namespace {

/// The whole of `text` as a number; text without '\n' that is not behind one.
bool parse_field(std::string text, float& value) {
  text += '\n';
  const char* end = parse_value(skip_blanks(text.c_str()), value);
  return end != nullptr && *skip_blanks(end) == '\n' && text.size() > 1;
}

/// Reads the lines of a table into one sparse row a line.
class TableParser {
 public:
  TableParser(const std::filesystem::path& path, const ReadOptions& options,
              const Callbacks& callbacks)
      : path_(path), options_(options), input_(path), callbacks_(callbacks) {}

  void read() {
    std::string_view line;
    input_.next_line(line);
    separator_ = separator_of(path_, line);
    if (options_.header) {
      read_header(line);
    } else {
      number_columns(line);
      read_row(line);
    }
    std::int64_t last_report = 0;
    while (input_.next_line(line)) {
      if (!line.empty()) read_row(line);
      if (input_.bytes_read() - last_report < (1 << 20)) continue;
      last_report = input_.bytes_read();
      report_progress(callbacks_, {"read", last_report >> 10, input_.file_size() >> 10, "kB", 0});
    }
    rows.n_cells = static_cast<std::int64_t>(rows.indptr.size()) - 1;
    if (rows.n_cells == 0) throw data_error(fmt::format("{}: has a header only", input_.name()));
    rows.n_genes = static_cast<std::int64_t>(column_names.size());
    refuse_values_as_names();
    log_last_line(input_, callbacks_);
  }

  std::string corner;
  std::vector<std::string> column_names;  ///< "0", "1", ... where the table has no header.
  std::vector<std::string> row_names;     ///< Empty where the rows have no names.
  CsrMatrix rows = matrix_in_file(0, 0);  // [rows of the table][columns], whatever they are.

 private:
  std::string place() const { return input_.at_line(input_.line_number()); }

  void read_header(std::string_view line) {
    column_names = split_table_line(line, separator_, place());
    if (!options_.row_names) refuse_numbers_as_names();
    if (column_names.size() > 1) return;
    throw data_error(
        fmt::format("{}: the header has one field only; fields must be separated by {}", place(),
                    separator_ == ',' ? "commas" : "tabs"));
  }

  void number_columns(std::string_view line) {
    const std::size_t n_fields = split_table_line(line, separator_, place()).size();
    column_names = numbered_names("", static_cast<std::int64_t>(n_fields) - options_.row_names);
  }

  void read_row(std::string_view line) {
    // The text behind `line` is its line end, so that numbers need no bound.
    const char* at = line.data();
    const char* const end = at + line.size();
    if (options_.row_names) {
      read_row_name(line, at);
      if (row_names.size() == 1 && options_.header) settle_corner(line);
    } else {
      --at;  // As if a separator stood before the first value.
    }
    std::size_t column = 0;
    for (; at < end; ++column) {
      if (column == column_names.size()) {
        refuse_length(split_table_line(line, separator_, place()).size() - options_.row_names);
      }
      ++at;  // The separator.
      float value = 0;
      at = read_value(at, end, column, value);
      if (value == 0) continue;
      rows.indices.push_back(static_cast<std::int32_t>(column));
      rows.values.push_back(value);
    }
    if (column != column_names.size()) refuse_length(column);
    rows.indptr.push_back(static_cast<std::int64_t>(rows.indices.size()));
  }

  void read_row_name(std::string_view line, const char*& at) {
    if (!line.starts_with('"')) {
      const std::size_t size = std::min(line.find(separator_), line.size());
      row_names.emplace_back(line.substr(0, size));
      at += size;
    } else {
      at += quoted_size(line);
      row_names.push_back(split_table_line({line.data(), at}, separator_, place()).front());
    }
    if (row_names.back().empty()) {
      throw data_error(fmt::format("{}: the line begins with no name", place()));
    }
  }

  /// The quoted field at the start of `text`, quotes included.
  std::size_t quoted_size(std::string_view text) const {
    for (std::size_t quote = text.find('"', 1); quote != std::string_view::npos;
         quote = text.find('"', quote + 2)) {
      if (quote + 1 == text.size() || text[quote + 1] == separator_) return quote + 1;
      if (text[quote + 1] != '"') break;
    }
    throw data_error(fmt::format("{}: a quoted field does not end where it should", place()));
  }

  /// R writes a header without a field over the row names, others with one.
  void settle_corner(std::string_view first_row) {
    const std::size_t n_fields = split_table_line(first_row, separator_, place()).size();
    if (n_fields == column_names.size()) {
      corner = column_names.front();
      column_names.erase(column_names.begin());
    } else if (n_fields == column_names.size() + 1 && is_corner(column_names.front())) {
      refuse_corner(column_names.size());
    }
    refuse_numbers_as_names();
  }

  /// Names would stand over the column beside their own.
  [[noreturn]] void refuse_corner(std::size_t n_values) const {
    throw data_error(fmt::format(
        "{}: the header has {} fields, as many as the rows have values, but '{}' stands over the "
        "names of rows: the header lacks a name, or the rows have a value too many",
        input_.at_line(1), n_values, column_names.front()));
  }

  /// A file without header would lose its first row. Names may be numbers all the same: counted
  /// from 0 or 1, or many that all differ, such as Entrez ids; values repeat.
  void refuse_numbers_as_names() const {
    std::unordered_set<std::string_view> seen;
    float number = 0;
    float before = 0;
    bool numbered = true;
    for (std::size_t k = 0; k < column_names.size(); ++k) {
      if (!parse_field(column_names[k], number)) return;
      numbered &= k == 0 ? number == 0 || number == 1 : number == before + 1;
      before = number;
      seen.insert(column_names[k]);
    }
    constexpr std::size_t kMany = 20;
    if (numbered || (seen.size() == column_names.size() && seen.size() >= kMany)) return;
    throw data_error(
        fmt::format("{}: the first line holds numbers where the names of the columns must stand; "
                    "pass --no-header if it is the first row",
                    input_.at_line(1)));
  }

  /// In a file without row names the first value of each row would be taken for one, and values
  /// repeat. Names that are numbers, such as Entrez ids, do not.
  void refuse_values_as_names() const {
    std::unordered_set<std::string_view> seen;
    const std::string* twice = nullptr;
    float number = 0;
    for (const std::string& name : row_names) {
      if (!parse_field(name, number)) return;
      if (!seen.insert(name).second && twice == nullptr) twice = &name;
    }
    if (twice == nullptr) return;
    throw data_error(
        fmt::format("{}: the rows begin with numbers that repeat ('{}'), where names "
                    "must stand; pass --no-row-names if they are values",
                    input_.name(), *twice));
  }

  const char* read_value(const char* at, const char* end, std::size_t column, float& value) const {
    if (at < end) {
      const char* next = parse_value(at, value);
      if (next != nullptr && (next == end || *next == separator_)) return next;
    }
    // Quoted, padded with blanks, or wrong.
    const std::string_view rest(at, end - at);
    const std::size_t size =
        rest.starts_with('"') ? quoted_size(rest) : std::min(rest.find(separator_), rest.size());
    std::string text(rest.substr(0, size));
    if (rest.starts_with('"')) text = text.substr(1, size - 2);
    if (!parse_field(text, value)) refuse_value(text, column);
    return at + size;
  }

  [[noreturn]] void refuse_value(const std::string& text, std::size_t column) const {
    throw data_error(
        fmt::format("{}: {} in column '{}' of row '{}' is not a number", place(),
                    text.empty() ? "an empty field" : fmt::format("'{}'", text.substr(0, 60)),
                    column_names[column], row_name()));
  }

  [[noreturn]] void refuse_length(std::size_t n_values) const {
    throw data_error(fmt::format("{}: row '{}' has {} values where the header names {} columns",
                                 place(), row_name(), n_values, column_names.size()));
  }

  /// Of the row that is being read.
  std::string row_name() const {
    return row_names.empty() ? std::to_string(rows.indptr.size() - 1) : row_names.back();
  }

  const std::filesystem::path& path_;
  const ReadOptions& options_;
  TextInput input_;
  char separator_ = '\t';
  const Callbacks& callbacks_;
};

Orientation settle_orientation(const std::filesystem::path& path, const TableParser& table,
                               const ReadOptions& options, const Callbacks& callbacks) {
  if (options.orientation != Orientation::detect) return options.orientation;
  const Orientation found = orientation_by_names(table.corner, table.column_names, table.row_names);
  if (found == Orientation::detect) {
    throw usage_error(fmt::format(
        "{}: whether rows ('{}', ...) or columns ('{}', ...) are cells cannot be told from the "
        "names: pass --orientation cells-are-rows or --orientation genes-are-rows",
        path.string(), table.row_names.empty() ? "0" : table.row_names.front(),
        table.column_names.front()));
  }
  const bool cells_down = found == Orientation::cells_are_rows;
  log_line(callbacks,
           fmt::format("{}: by their names the rows are {}, the columns {}", path.string(),
                       cells_down ? "cells" : "genes", cells_down ? "genes" : "cells"));
  return found;
}

}  // namespace

Dataset read_table(const std::filesystem::path& path, const ReadOptions& options,
                   const Callbacks& callbacks) {
  Dataset dataset;
  dataset.path = path.string();
  TableParser table(path, options, callbacks);
  table.read();
  const bool cells_down =
      settle_orientation(path, table, options, callbacks) == Orientation::cells_are_rows;
  const auto named = [](bool has_names, std::vector<std::string>& names, const std::string& what,
                        std::int64_t n) {
    return has_names ? std::move(names) : numbered_names(what, n);
  };
  std::vector<std::string> rows =
      named(options.row_names, table.row_names, cells_down ? "cell" : "gene", table.rows.n_cells);
  std::vector<std::string> columns =
      named(options.header, table.column_names, cells_down ? "gene" : "cell", table.rows.n_genes);
  dataset.counts = cells_down ? std::move(table.rows) : transpose(std::move(table.rows));
  if (!cells_down) std::swap(rows, columns);
  dataset.cell_names = std::move(rows);
  dataset.gene_names = std::move(columns);
  return dataset;
}

}  // namespace maskclass::io
