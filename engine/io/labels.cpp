#include "engine/io/labels.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "engine/error.h"
#include "engine/io/text/table_line.h"
#include "engine/io/text/text_input.h"

namespace maskclass::io {
namespace {

using Fields = std::vector<std::string>;

std::string listed(const Fields& fields) {
  std::string list;
  for (const std::string& field : fields) list += (list.empty() ? "'" : ", '") + field + "'";
  return list;
}

std::size_t find_column(const Fields& header, const std::string& column, const std::string& file) {
  const auto found = std::find(header.begin(), header.end(), column);
  if (found != header.end()) return found - header.begin();
  throw usage_error(
      fmt::format("{}: has no column '{}'; its columns are {}", file, column, listed(header)));
}

std::size_t guess_column(const Fields& header, const std::string& file) {
  if (header.size() == 2) return 1;
  constexpr std::array<const char*, 7> usual = {"label",    "labels",  "group",    "cell_type",
                                                "celltype", "cluster", "cell type"};
  for (const char* name : usual) {
    const auto found = std::find(header.begin() + 1, header.end(), name);
    if (found != header.end()) return found - header.begin();
  }
  throw usage_error(fmt::format("{}: name the column that holds the labels; its columns are {}",
                                file, listed(header)));
}

/// Label by cell name, of all cells in a file.
class LabelTable {
 public:
  LabelTable(const std::filesystem::path& path, const std::string& column,
             const std::vector<std::string>& cell_names)
      : input_(path), separator_(separator_of(path)) {
    Fields first;
    if (!next_row(first)) throw data_error(fmt::format("{}: holds no lines", input_.name()));
    const bool has_header =
        std::find(cell_names.begin(), cell_names.end(), first.front()) == cell_names.end();
    settle_column(first, has_header, column);
    n_columns_ = first.size();
    if (!has_header) take(first);
    for (Fields row; next_row(row);) take(row);
  }

  const std::string& label_of(const std::string& cell) const {
    const auto found = labels_.find(cell);
    if (found != labels_.end()) return found->second;
    throw data_error(
        fmt::format("{}: no label for the cell '{}'; are these the labels of this data "
                    "set?",
                    input_.name(), cell));
  }

 private:
  std::string place() const { return input_.at_line(input_.line_number()); }

  bool next_row(Fields& row) {
    std::string_view line;
    do {
      if (!input_.next_line(line)) return false;
    } while (line.empty());
    row = split_table_line(line, separator_, place());
    return true;
  }

  void settle_column(const Fields& first, bool has_header, const std::string& column) {
    if (!column.empty() && !has_header) {
      throw usage_error(fmt::format("{}: has no header, so no column '{}'", input_.name(), column));
    }
    if (first.size() < 2) {
      throw data_error(
          fmt::format("{}: one column only; a cell and its label, separated by {}, "
                      "are expected",
                      place(), separator_ == ',' ? "commas" : "tabs"));
    }
    if (!column.empty()) {
      column_ = find_column(first, column, input_.name());
    } else {
      if (!has_header && first.size() > 2) refuse_no_header(first);
      column_ = guess_column(first, input_.name());
    }
  }

  [[noreturn]] void refuse_no_header(const Fields& first) const {
    throw data_error(fmt::format("{}: {} columns and no header that says which holds the labels",
                                 input_.name(), first.size()));
  }

  void take(Fields& row) {
    if (row.size() != n_columns_) {
      throw data_error(fmt::format("{}: {} columns where the first line has {}", place(),
                                   row.size(), n_columns_));
    }
    const auto [known, is_new] = labels_.try_emplace(row.front(), row[column_]);
    if (!is_new && known->second != row[column_]) {
      throw data_error(fmt::format("{}: the cell '{}' has the label '{}' here and '{}' above",
                                   place(), row.front(), row[column_], known->second));
    }
  }

  TextInput input_;
  char separator_;
  std::size_t column_ = 0;
  std::size_t n_columns_ = 0;
  std::unordered_map<std::string, std::string> labels_;
};

}  // namespace

std::vector<std::string> read_labels(const std::filesystem::path& path, const std::string& column,
                                     const std::vector<std::string>& cell_names) {
  const LabelTable table(path, column, cell_names);
  std::vector<std::string> labels;
  labels.reserve(cell_names.size());
  for (const std::string& cell : cell_names) labels.push_back(table.label_of(cell));
  return labels;
}

}  // namespace maskclass::io
