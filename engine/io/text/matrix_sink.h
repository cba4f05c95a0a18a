#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/text/text_output.h"

namespace maskclass::io {

/// One matrix on its way into one file, in blocks of consecutive cells. `path` is where to write,
/// `name` the final name: it stands in messages, and .gz at its end asks for gzip. Functions throw
/// Error{data} on failure (disk full).
class MatrixSink {
 public:
  virtual ~MatrixSink() = default;
  /// The next cells: [n_cells][n_columns], row by row.
  virtual void write(const float* values, std::int64_t n_cells) = 0;
  /// Completes and closes the file.
  virtual void close() = 0;
};

/// Matrix Market, genes x cells as 10x writes it, cell by cell; zeros are left out. The number of
/// entries is not known before the end: the header has room for it and is replaced then.
class MatrixMarketSink : public MatrixSink {
 public:
  /// `whole` says that all values are whole numbers ("integer" in the header).
  MatrixMarketSink(const std::filesystem::path& path, const std::string& name, std::int64_t n_cells,
                   std::int64_t n_genes, bool whole);
  void write(const float* values, std::int64_t n_cells) override;
  void close() override;
  /// One entry; cells must not descend.
  void write_entry(std::int64_t cell, std::int64_t gene, float value);

 private:
  std::string head() const;
  TextOutput out_;
  std::int64_t n_cells_;
  std::int64_t n_genes_;
  std::int64_t n_entries_ = 0;
  std::int64_t next_cell_ = 0;
  bool whole_;
};

/// A table, cells as rows, "cell" in the corner of its header; .csv has commas, .tsv tabs.
class TableSink : public MatrixSink {
 public:
  TableSink(const std::filesystem::path& path, const std::string& name,
            std::vector<std::string> row_names, const std::vector<std::string>& column_names);
  void write(const float* values, std::int64_t n_cells) override;
  void close() override { out_.close(); }

 private:
  TextOutput out_;
  char separator_;
  std::vector<std::string> row_names_;
  std::size_t n_columns_;
  std::size_t next_row_ = 0;
};

/// numpy's format 1.0: float32, little-endian, C order, [n_cells][n_columns].
class NpySink : public MatrixSink {
 public:
  NpySink(const std::filesystem::path& path, const std::string& name, std::int64_t n_cells,
          std::int64_t n_columns);
  void write(const float* values, std::int64_t n_cells) override;
  void close() override { file_.close(); }

 private:
  OutputFile file_;
  std::int64_t n_columns_;
};

}  // namespace maskclass::io
