#pragma once

#include "engine/matrix/csr.h"

/// 39 cells x 5 genes: gene g is counted in the cells whose number is not a multiple of g + 2.
inline maskclass::CsrMatrix made_up_counts() {
  maskclass::CsrMatrix counts;
  counts.n_cells = 39;
  counts.n_genes = 5;
  for (int cell = 1; cell <= 39; ++cell) {
    for (int gene = 0; gene < 5; ++gene) {
      if (cell % (gene + 2) == 0) continue;
      counts.indices.push_back(gene);
      counts.values.push_back(static_cast<float>(1 + (cell + gene) % 7));
    }
    counts.indptr.push_back(static_cast<std::int64_t>(counts.indices.size()));
  }
  return counts;
}
