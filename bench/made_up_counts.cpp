// Counts without meaning, of any size, for benches that ask about time and memory.
//
//   bench_made_up_counts OUTPUT.h5ad CELLS GENES NONZEROS_A_CELL

#include <fmt/core.h>

#include <cstdlib>
#include <random>

#include "engine/io/counts_writer.h"
#include "engine/io/dataset.h"

namespace {

/// Genes of a cell lie apart by geometric steps; counts are geometric, too.
maskclass::io::Dataset made_up(std::int64_t n_cells, std::int32_t n_genes, double nonzeros) {
  maskclass::io::Dataset dataset;
  dataset.counts = maskclass::matrix_in_file(n_cells, n_genes);
  maskclass::CsrMatrix& counts = dataset.counts;
  const auto expected = static_cast<std::size_t>(1.01 * nonzeros * static_cast<double>(n_cells));
  counts.indices.reserve(expected);
  counts.values.reserve(expected);
  std::mt19937_64 random(1);
  std::geometric_distribution<std::int32_t> gap(nonzeros / n_genes);
  std::geometric_distribution<int> more(0.4);
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (std::int32_t gene = gap(random); gene < n_genes; gene += 1 + gap(random)) {
      counts.indices.push_back(gene);
      counts.values.push_back(static_cast<float>(1 + more(random)));
    }
    counts.indptr.push_back(static_cast<std::int64_t>(counts.values.size()));
    dataset.cell_names.push_back(fmt::format("CELL{:012d}-1", cell));
  }
  for (std::int32_t gene = 0; gene < n_genes; ++gene) {
    dataset.gene_names.push_back(fmt::format("GENE{}", gene));
  }
  return dataset;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: {} OUTPUT.h5ad CELLS GENES NONZEROS_A_CELL\n", argv[0]);
    return 2;
  }
  try {
    maskclass::io::write_counts(
        argv[1], made_up(std::atoll(argv[2]), std::atoi(argv[3]), std::atof(argv[4])), {});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
