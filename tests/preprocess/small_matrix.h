#pragma once

#include <cstdint>
#include <vector>

#include "engine/matrix/csr.h"

namespace maskclass::test {

/// A dense matrix, cells x genes.
using Dense = std::vector<std::vector<float>>;

CsrMatrix from_dense(const Dense& rows, std::int64_t n_genes);
Dense to_dense(const CsrMatrix& matrix);

/// Counts with gene means spread over three decades, most of them zero; the same for a seed.
CsrMatrix random_counts(std::int64_t n_cells, std::int64_t n_genes, std::uint64_t seed);

}  // namespace maskclass::test
