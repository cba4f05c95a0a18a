#include "kernels/cpu/stored_genes.h"

#include "kernels/cpu/layout.h"

namespace maskclass::cpu {

StoredGenes::StoredGenes(const ScaledData& data)
    : row_bytes_((static_cast<std::size_t>(data.n_genes) + Slices::kUnit - 1) / Slices::kUnit *
                 (Slices::kUnit / 8)),
      bits_((static_cast<std::size_t>(data.n_cells) + 1) * row_bytes_ + 1) {
  for (std::int64_t cell = 0; cell < data.n_cells; ++cell) {
    std::uint8_t* bits = &bits_[static_cast<std::size_t>(cell) * row_bytes_];
    for (std::int64_t at = data.indptr[cell]; at < data.indptr[cell + 1]; ++at) {
      const auto gene = static_cast<std::uint32_t>(data.indices[at]);
      bits[gene / 8] = static_cast<std::uint8_t>(bits[gene / 8] | 1u << gene % 8);
    }
  }
}

}  // namespace maskclass::cpu
