#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/io/text/text_input.h"
#include "engine/matrix/csr.h"
#include "engine/progress.h"

namespace maskclass::io {

/// A Matrix Market coordinate file, plain or gzip, of real or integer values, "general" (not
/// symmetric). Every message names file and line.
class MatrixMarketFile {
 public:
  /// Opens it and reads the header. Throws Error{data}: not Matrix Market; dense, pattern, complex
  /// or symmetric; sizes that are no numbers, above 2^31 - 1 or contradict each other; more entries
  /// than a file of this size could hold.
  explicit MatrixMarketFile(const std::filesystem::path& path);

  std::int64_t n_rows() const { return n_rows_; }
  std::int64_t n_columns() const { return n_columns_; }
  std::int64_t n_entries() const { return n_entries_; }
  const std::string& name() const { return input_.name(); }
  /// The line of the header that has the sizes.
  std::string size_line() const { return input_.at_line(header_lines_); }

  /// Reads the entries, once, as cells x genes: genes are the file's rows (as 10x writes it) or its
  /// columns. Any order of entries is taken; entries of value 0 are dropped. At most 12 bytes an
  /// entry are held. Values are not checked to be counts. Throws Error{data}: a line that is no
  /// entry, an index out of range, an entry twice, more or fewer entries than promised.
  CsrMatrix read(bool genes_are_rows, const Callbacks& callbacks);

 private:
  class EntryParser;
  void read_banner();
  void read_sizes();
  void check_sizes() const;
  [[noreturn]] void refuse_twice(std::int64_t row, std::int64_t column) const;

  std::filesystem::path path_;
  TextInput input_;
  std::int64_t n_rows_ = 0;
  std::int64_t n_columns_ = 0;
  std::int64_t n_entries_ = 0;
  std::int64_t header_lines_ = 0;
};

}  // namespace maskclass::io
