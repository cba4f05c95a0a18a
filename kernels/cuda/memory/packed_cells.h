#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.h"
#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/runtime/memory.h"

namespace maskclass::cuda {

/// Some cells of a data set in the kernels' form (columns.h), in page-locked host memory: what is
/// copied to the device where the whole data set does not fit there.
class PackedCells {
 public:
  PackedCells(std::int64_t most_cells, std::int64_t most_nonzeros, std::int32_t n_genes,
              std::int64_t n_curves);

  /// Packs the given rows, in their order; they must fit. Whatever was copied from here must have
  /// arrived.
  void pack(const ScaledData& data, std::span<const std::uint32_t> rows);

  std::int64_t n_cells() const { return n_cells_; }
  std::span<const std::int64_t> row_start() const { return row_start_.span().first(n_cells_); }
  std::span<const Segment> segments() const { return segments_.span().first(n_cells_ * n_slices_); }
  std::span<const float> values() const { return values_.span().first(n_nonzeros_); }
  std::span<const std::uint32_t> cell_ids() const { return cell_ids_.span().first(n_cells_); }
  std::span<const float> position() const { return position_.span().first(n_cells_); }
  std::span<const float> shrink() const { return shrink_.span().first(n_cells_); }
  /// Empty where there is one curve.
  std::span<const std::uint32_t> curve() const {
    return curve_.span().first(curve_.size() > 0 ? n_cells_ : 0);
  }

 private:
  std::int32_t n_slices_;
  std::int64_t n_cells_ = 0;
  std::int64_t n_nonzeros_ = 0;
  PinnedArray<std::int64_t> row_start_;
  PinnedArray<Segment> segments_;
  PinnedArray<float> values_;
  PinnedArray<std::uint32_t> cell_ids_;
  PinnedArray<float> position_;
  PinnedArray<float> shrink_;
  PinnedArray<std::uint32_t> curve_;
};

}  // namespace maskclass::cuda
