#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace maskclass::io {

/// Reads a label for each of `cell_names`, in their order, from a table of cells (.tsv or .csv,
/// plain or gzip): the first column names the cell, `column` the label. A header is optional; a
/// first line whose first field is one of `cell_names` is none. Without `column`, the label is the
/// second of two columns, or the one that is called label, group, cell_type or cluster. Cells of
/// the table that are not asked for are passed over.
/// Throws Error{data} that names the first cell without a label, a cell with two different labels
/// or (file:line) a line with too few columns; Error{usage} where the column is not there or cannot
/// be guessed: the message lists the columns.
std::vector<std::string> read_labels(const std::filesystem::path& path, const std::string& column,
                                     const std::vector<std::string>& cell_names);

}  // namespace maskclass::io
