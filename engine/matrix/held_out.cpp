#include "engine/matrix/held_out.h"

#include <algorithm>

#include "kernels/math/philox.h"

namespace maskclass {

HeldOut hold_out(double share, std::uint64_t seed, std::span<const std::uint32_t> cell_ids,
                 std::int64_t n_genes) {
  const auto threshold = static_cast<std::uint64_t>(share * 0x1p32);
  HeldOut result;
  result.indptr.push_back(0);
  for (const std::uint32_t cell : cell_ids) {
    for (std::int64_t first = 0; first < n_genes; first += 4) {
      const auto gene = static_cast<std::uint64_t>(first);
      const philox::Words bits =
          philox::random_words(philox::counter_of(philox::Purpose::held_out, 0, cell, gene), seed);
      const std::int64_t end = std::min<std::int64_t>(4, n_genes - first);
      for (std::int64_t k = 0; k < end; ++k) {
        if (bits[k] < threshold) result.genes.push_back(static_cast<std::int32_t>(first + k));
      }
    }
    result.indptr.push_back(std::ssize(result.genes));
  }
  return result;
}

Thinned without(const HeldOut& held_out, const CsrView& counts, std::span<const float> scaled) {
  Thinned thinned;
  thinned.indptr.push_back(0);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    HeldOutCursor set_aside(held_out.of_cell(cell));
    for (std::int64_t at = counts.indptr[cell]; at < counts.indptr[cell + 1]; ++at) {
      const std::int32_t gene = counts.indices[at];
      if (set_aside.contains(gene)) {
        thinned.cell.push_back(cell);
        thinned.gene.push_back(gene);
        thinned.count.push_back(counts.values[at]);
      } else {
        thinned.indices.push_back(gene);
        thinned.scaled.push_back(scaled[at]);
      }
    }
    thinned.indptr.push_back(std::ssize(thinned.indices));
  }
  return thinned;
}

}  // namespace maskclass
