#include "engine/io/tidy_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "engine/counted.h"
#include "engine/error.h"

namespace maskclass::io {
namespace {

using Entry = std::pair<std::int32_t, float>;

struct Row {
  std::span<std::int32_t> genes;
  std::span<float> values;
};

Row row_of(CsrMatrix& matrix, std::int64_t cell) {
  const std::int64_t first = matrix.indptr[cell];
  const std::int64_t n = matrix.indptr[cell + 1] - first;
  return {std::span(matrix.indices).subspan(first, n), std::span(matrix.values).subspan(first, n)};
}

/// Whether each gene is larger than the one before. No early end: the loop becomes vector code.
bool ascends(std::span<const std::int32_t> genes) {
  bool result = true;
  for (std::size_t k = 1; k < genes.size(); ++k) result &= genes[k - 1] < genes[k];
  return result;
}

/// Of a row that is sorted: whether its genes are in range and differ.
bool is_sound(const Row& row, std::int64_t n_genes) {
  return row.genes.empty() ||
         (ascends(row.genes) && row.genes.front() >= 0 && row.genes.back() < n_genes);
}

[[noreturn]] void refuse_row(const Row& row, std::int64_t n_genes, const std::string& where,
                             const std::string& cell_name,
                             const std::vector<std::string>& gene_names) {
  for (const std::int32_t gene : row.genes) check_gene(gene, n_genes, where, cell_name);
  const auto twice = std::adjacent_find(row.genes.begin(), row.genes.end());
  throw data_error(
      fmt::format("{}: cell {} has gene {} twice; sum the duplicates first (scipy's "
                  "sum_duplicates)",
                  where, cell_name, gene_names[*twice]));
}

void drop_zeros(CsrMatrix& matrix) {
  std::int64_t to = 0;
  std::int64_t from = 0;
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    for (; from < matrix.indptr[cell + 1]; ++from) {
      if (matrix.values[from] == 0.0F) continue;
      matrix.indices[to] = matrix.indices[from];
      matrix.values[to++] = matrix.values[from];
    }
    matrix.indptr[cell + 1] = to;
  }
  matrix.indices.resize(to);
  matrix.values.resize(to);
}

}  // namespace

void check_gene(std::int32_t gene, std::int64_t n_genes, const std::string& where,
                const std::string& cell_name) {
  if (gene >= 0 && gene < n_genes) return;
  throw data_error(
      fmt::format("{}: cell {} has a value for gene number {}, but there are {}; the "
                  "file is damaged",
                  where, cell_name, gene, n_genes));
}

void sort_row(std::span<std::int32_t> genes, std::span<float> values) {
  std::vector<Entry> entries;
  entries.reserve(genes.size());
  for (std::size_t k = 0; k < genes.size(); ++k) entries.emplace_back(genes[k], values[k]);
  // Genes alone decide: where one stands twice the row is refused, whatever the order.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.first < b.first; });
  for (std::size_t k = 0; k < genes.size(); ++k) std::tie(genes[k], values[k]) = entries[k];
}

void log_sorted(const std::string& where, std::int64_t n_rows, const std::string& row,
                const Callbacks& callbacks) {
  if (n_rows == 0) return;
  log_line(callbacks, fmt::format("{}: entries of {} were out of order and have been sorted", where,
                                  counted(n_rows, row)));
}

std::int64_t tidy_rows(CsrMatrix& matrix, const std::string& where,
                       const std::vector<std::string>& cell_names,
                       const std::vector<std::string>& gene_names, int n_threads) {
  std::atomic<bool> has_zeros = false;
  std::atomic<std::int64_t> n_sorted = 0;
  const std::int64_t first_refused =
      first_cell_where(matrix.view(), n_threads, [&](std::int64_t cell) {
        const Row row = row_of(matrix, cell);
        if (!ascends(row.genes)) {
          sort_row(row.genes, row.values);
          ++n_sorted;
        }
        if (std::find(row.values.begin(), row.values.end(), 0.0F) != row.values.end()) {
          has_zeros = true;
        }
        return !is_sound(row, matrix.n_genes);
      });
  if (first_refused < matrix.n_cells) {
    refuse_row(row_of(matrix, first_refused), matrix.n_genes, where, cell_names[first_refused],
               gene_names);
  }
  if (has_zeros) drop_zeros(matrix);
  return n_sorted;
}

void append_dense_row(std::span<const float> row, CsrMatrix& matrix) {
  for (std::size_t gene = 0; gene < row.size(); ++gene) {
    if (row[gene] == 0.0F) continue;
    matrix.indices.push_back(static_cast<std::int32_t>(gene));
    matrix.values.push_back(row[gene]);
  }
  matrix.indptr.push_back(static_cast<std::int64_t>(matrix.values.size()));
}

}  // namespace maskclass::io
