#include "engine/preprocess/filter.h"

#include <algorithm>
#include <numeric>

#include "engine/counted.h"
#include "engine/error.h"

namespace maskclass {
namespace {

/// In how many cells each gene has a count. Integer sums, so their order does not matter.
std::vector<std::int64_t> cells_of_genes(const CsrView& counts, int n_threads) {
  std::vector<std::vector<std::int64_t>> parts(n_threads,
                                               std::vector<std::int64_t>(counts.n_genes, 0));
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
  for (int part = 0; part < n_threads; ++part) {
    const std::int64_t first = counts.n_cells * part / n_threads;
    const std::int64_t end = counts.n_cells * (part + 1) / n_threads;
    for_each_run(first, end, [&](std::int64_t run, std::int64_t end_of_run) {
      for (std::int64_t k = counts.indptr[run]; k < counts.indptr[end_of_run]; ++k) {
        ++parts[part][counts.indices[k]];
      }
      counts.give_back(run, end_of_run);
    });
  }
  for (int part = 1; part < n_threads; ++part) {
    std::transform(parts[0].begin(), parts[0].end(), parts[part].begin(), parts[0].begin(),
                   std::plus<>());
  }
  return std::move(parts[0]);
}

/// Whether each cell has a count over the genes marked in `kept`.
std::vector<std::uint8_t> cells_with_counts(const CsrView& counts,
                                            const std::vector<std::uint8_t>& kept, int n_threads) {
  std::vector<std::uint8_t> result(counts.n_cells, 0);
  for_each_run_on(n_threads, counts.n_cells, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t cell = first; cell < end; ++cell) {
      const auto genes = counts.row_indices(cell);
      result[cell] = std::any_of(genes.begin(), genes.end(),
                                 [&](std::int32_t gene) { return kept[gene] != 0; });
    }
    counts.give_back(first, end);
  });
  return result;
}

std::string name_of(std::int64_t cell, std::span<const std::string> names) {
  const std::string number = with_thousands(cell + 1);
  if (names.empty()) return "cell " + number + " (counted from 1)";
  return "cell '" + names[cell] + "' (number " + number + ")";
}

std::string genes_counted(int min_cells) {
  if (min_cells == 0) return "any gene";
  return "the genes found in at least " + counted(min_cells, "cell");
}

Error empty_cells_error(const std::vector<std::uint8_t>& has_counts, std::int64_t n_empty,
                        int min_cells, std::span<const std::string> names) {
  const std::int64_t first =
      std::find(has_counts.begin(), has_counts.end(), 0) - has_counts.begin();
  std::string who = name_of(first, names);
  if (n_empty > 1) who += " and " + with_thousands(n_empty - 1) + " more";
  return data_error(who + (n_empty > 1 ? " have" : " has") + " no counts over " +
                    genes_counted(min_cells) + "; `--drop-empty-cells` leaves such cells out");
}

}  // namespace

Kept filter_genes_and_cells(const CsrView& counts, int min_cells, bool drop_empty_cells,
                            std::span<const std::string> cell_names, int n_threads,
                            const Callbacks& callbacks) {
  n_threads = std::max(1, n_threads);
  if (min_cells < 0) {
    throw usage_error("--min-cells is " + std::to_string(min_cells) + "; it must be 0 or more");
  }
  if (!cell_names.empty() && static_cast<std::int64_t>(cell_names.size()) != counts.n_cells) {
    throw usage_error(counted(static_cast<std::int64_t>(cell_names.size()), "cell name") + " for " +
                      counted(counts.n_cells, "cell"));
  }
  if (counts.n_cells == 0) throw data_error("the matrix has no cells");
  if (counts.n_genes == 0) throw data_error("the matrix has no genes");

  Kept kept;
  std::vector<std::uint8_t> gene_is_kept(counts.n_genes, 0);
  const std::vector<std::int64_t> n_cells_of = cells_of_genes(counts, n_threads);
  for (std::int32_t gene = 0; gene < counts.n_genes; ++gene) {
    if (n_cells_of[gene] < min_cells) continue;
    gene_is_kept[gene] = 1;
    kept.genes.push_back(gene);
  }
  if (kept.genes.empty()) {
    throw data_error("none of the " + with_thousands(counts.n_genes) +
                     " genes has a count in at least " + with_thousands(min_cells) + " of the " +
                     counted(counts.n_cells, "cell") +
                     "; lower `--min-cells`, or check that rows and columns are not swapped");
  }
  log_line(callbacks, "kept " + with_thousands(static_cast<std::int64_t>(kept.genes.size())) +
                          " of " + with_thousands(counts.n_genes) + " genes (in at least " +
                          counted(min_cells, "cell") + ")");

  const std::vector<std::uint8_t> has_counts = cells_with_counts(counts, gene_is_kept, n_threads);
  const std::int64_t n_empty = std::count(has_counts.begin(), has_counts.end(), 0);
  if (n_empty == counts.n_cells) throw data_error("no cell has counts: every value is zero");
  if (n_empty > 0) {
    if (!drop_empty_cells) throw empty_cells_error(has_counts, n_empty, min_cells, cell_names);
    log_line(callbacks, "dropped " + with_thousands(n_empty) + " of " +
                            with_thousands(counts.n_cells) + " cells without counts over " +
                            genes_counted(min_cells));
  }
  kept.cells.reserve(counts.n_cells - n_empty);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    if (has_counts[cell] != 0) kept.cells.push_back(cell);
  }
  return kept;
}

std::vector<std::int32_t> batches_of_cells(std::span<const std::int32_t> batch_of,
                                           std::span<const std::int64_t> cells) {
  std::vector<std::int32_t> result;
  if (batch_of.empty()) return result;
  for (const std::int64_t cell : cells) result.push_back(batch_of[cell]);
  return result;
}

}  // namespace maskclass
