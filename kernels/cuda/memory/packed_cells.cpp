#include "kernels/cuda/memory/packed_cells.h"

#include <algorithm>

namespace maskclass::cuda {

PackedCells::PackedCells(std::int64_t most_cells, std::int64_t most_nonzeros, std::int32_t n_genes,
                         std::int64_t n_curves)
    : n_slices_(slices_of(n_genes)),
      row_start_(most_cells),
      segments_(most_cells * n_slices_),
      values_(most_nonzeros),
      cell_ids_(most_cells),
      position_(most_cells),
      shrink_(most_cells),
      curve_(n_curves > 1 ? most_cells : 0) {}

void PackedCells::pack(const ScaledData& data, std::span<const std::uint32_t> rows) {
  n_cells_ = static_cast<std::int64_t>(rows.size());
  n_nonzeros_ = 0;
  for (std::int64_t cell = 0; cell < n_cells_; ++cell) {
    const std::uint32_t row = rows[cell];
    const std::int64_t begin = data.indptr[row];
    const std::int64_t end = data.indptr[row + 1];
    row_start_.data()[cell] = n_nonzeros_;
    cell_ids_.data()[cell] = data.cell_ids[row];
    position_.data()[cell] = data.biozero_position[row];
    shrink_.data()[cell] = data.biozero_shrink[row];
    if (curve_.size() > 0) curve_.data()[cell] = data.biozero_curve[row];
    std::copy(data.scaled.begin() + begin, data.scaled.begin() + end, values_.data() + n_nonzeros_);
    Segment* segments = segments_.data() + cell * n_slices_;
    std::int64_t at = begin;
    for (std::int32_t slice = 0; slice < n_slices_; ++slice) {
      Segment segment{0, static_cast<std::uint32_t>(at - begin)};
      const std::int32_t first_gene = slice * kSliceGenes;
      for (; at < end && data.indices[at] < first_gene + kSliceGenes; ++at) {
        segment.present |= 1u << (data.indices[at] - first_gene);
      }
      segments[slice] = segment;
    }
    n_nonzeros_ += end - begin;
  }
}

}  // namespace maskclass::cuda
