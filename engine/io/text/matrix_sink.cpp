#include "engine/io/text/matrix_sink.h"

#include <fmt/core.h>

#include <bit>
#include <utility>

#include "engine/io/text/name_writer.h"
#include "engine/io/text/table_line.h"

namespace maskclass::io {

MatrixMarketSink::MatrixMarketSink(const std::filesystem::path& path, const std::string& name,
                                   std::int64_t n_cells, std::int64_t n_genes, bool whole)
    : out_(path, name, name.ends_with(".gz")), n_cells_(n_cells), n_genes_(n_genes), whole_(whole) {
  out_.write_head(head());
}

/// Padded with blanks to the same length whatever the number of entries.
std::string MatrixMarketSink::head() const {
  return fmt::format("%%MatrixMarket matrix coordinate {} general\n{} {} {:>19}\n",
                     whole_ ? "integer" : "real", n_genes_, n_cells_, n_entries_);
}

void MatrixMarketSink::write_entry(std::int64_t cell, std::int64_t gene, float value) {
  out_.write_whole(gene + 1);
  out_.write(' ');
  out_.write_whole(cell + 1);
  out_.write(' ');
  out_.write_value(value);
  out_.write('\n');
  ++n_entries_;
}

void MatrixMarketSink::write(const float* values, std::int64_t n_cells) {
  for (std::int64_t row = 0; row < n_cells; ++row, ++next_cell_) {
    for (std::int64_t gene = 0; gene < n_genes_; ++gene) {
      const float value = values[row * n_genes_ + gene];
      if (value != 0) write_entry(next_cell_, gene, value);
    }
  }
}

void MatrixMarketSink::close() {
  out_.replace_head(head());
  out_.close();
}

TableSink::TableSink(const std::filesystem::path& path, const std::string& name,
                     std::vector<std::string> row_names,
                     const std::vector<std::string>& column_names)
    : out_(path, name, name.ends_with(".gz")),
      separator_(separator_of(name)),
      row_names_(std::move(row_names)),
      n_columns_(column_names.size()) {
  out_.write("cell");
  for (const std::string& column : column_names) {
    out_.write(separator_);
    write_table_field(out_, column, separator_);
  }
  out_.write('\n');
}

void TableSink::write(const float* values, std::int64_t n_cells) {
  for (std::int64_t row = 0; row < n_cells; ++row) {
    write_table_field(out_, row_names_.at(next_row_++), separator_);
    for (std::size_t column = 0; column < n_columns_; ++column) {
      out_.write(separator_);
      out_.write_value(values[row * n_columns_ + column]);
    }
    out_.write('\n');
  }
}

NpySink::NpySink(const std::filesystem::path& path, const std::string& name, std::int64_t n_cells,
                 std::int64_t n_columns)
    : file_(path, name), n_columns_(n_columns) {
  static_assert(std::endian::native == std::endian::little);
  std::string dictionary = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_cells, n_columns);
  // Ten bytes stand before the dictionary; the data begin at a multiple of 64.
  constexpr std::size_t before = 10;
  while ((before + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string head = "\x93NUMPY";
  head += '\x01';
  head += '\x00';
  head += static_cast<char>(dictionary.size() & 0xff);
  head += static_cast<char>(dictionary.size() >> 8);
  head += dictionary;
  file_.write(head.data(), head.size());
}

void NpySink::write(const float* values, std::int64_t n_cells) {
  file_.write(reinterpret_cast<const char*>(values), n_cells * n_columns_ * sizeof(float));
}

}  // namespace maskclass::io
