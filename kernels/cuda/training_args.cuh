#pragma once

#include "kernels/cuda/columns.h"
#include "kernels/cuda/corrupt.cuh"
#include "kernels/cuda/shapes.cuh"
#include "kernels/cuda/training_memory.h"
#include "kernels/cuda/trunk.cuh"

namespace maskclass::cuda {

/// Everything a kernel of the training step gets, by value.
template <class Widths>
struct TrainingArgs {
  Columns columns;
  Corruption how;
  WideLayers wide;
  Trained trunk;
  Exchange exchange;
  Schedule schedule;
  int batch_size;  ///< cells of a whole batch
  int most_cells;  ///< the stride of Exchange's arrays: at least batch_size
  Widths widths;
};

/// The cells of one batch.
struct Batch {
  std::uint32_t index;
  const std::uint32_t* rows;
  int n_cells;

  __device__ __forceinline__ int n_tiles() const { return (n_cells + kTileCells - 1) / kTileCells; }
  /// Cells of a tile; 0 or less beyond the last.
  __device__ __forceinline__ int cells_in_tile(int tile) const {
    return min(kTileCells, n_cells - tile * kTileCells);
  }
  __device__ __forceinline__ int n_groups() const {
    return (n_cells + kGroupCells - 1) / kGroupCells;
  }
  __device__ __forceinline__ int cells_in_group(int group) const {
    return min(kGroupCells, n_cells - group * kGroupCells);
  }
};

/// `index` is below the number of batches of the epoch, which has n_cells.
template <class Widths>
__device__ __forceinline__ Batch batch_of(const TrainingArgs<Widths>& args, std::uint32_t index,
                                          std::uint32_t n_cells) {
  const std::int64_t first = static_cast<std::int64_t>(index) * args.batch_size;
  const std::int64_t rest = static_cast<std::int64_t>(n_cells) - first;
  return {index, args.schedule.order + first,
          static_cast<int>(min(rest, static_cast<std::int64_t>(args.batch_size)))};
}
template <class Widths>
__device__ __forceinline__ Batch batch_of(const TrainingArgs<Widths>& args, std::uint32_t index) {
  return batch_of(args, index, args.schedule.state->n_cells);
}

template <class Widths>
__host__ __device__ __forceinline__ int most_tiles(const TrainingArgs<Widths>& args) {
  return (args.most_cells + kTileCells - 1) / kTileCells;
}

/// A wide layer from the first gene of a slice on.
template <class Widths>
__device__ __forceinline__ Trained slice_of(const TrainingArgs<Widths>& args, const Trained& layer,
                                            int slice) {
  const std::size_t at = static_cast<std::size_t>(slice) * kSliceGenes * args.widths.hidden;
  return {layer.value + at, layer.first_moment + at, layer.second_moment + at};
}

/// The block's part of the denominators, from every thread's; thread 0 writes it.
__device__ __forceinline__ void store_tile_sums(const MaskCounts& counts,
                                                float (&scratch)[3][kWarps], TileSums& sums) {
  const auto zeros = block_sum(counts.masked_zeros, reinterpret_cast<std::uint32_t*>(scratch[0]));
  const auto nonzeros =
      block_sum(counts.masked_nonzeros, reinterpret_cast<std::uint32_t*>(scratch[1]));
  const float biozero = block_sum(counts.biozero, scratch[2]);
  if (threadIdx.x == 0) sums = {zeros, nonzeros, biozero};
}

__device__ __forceinline__ void store_slice_loss(const SliceLoss& loss, float (&scratch)[3][kWarps],
                                                 SliceLoss& sums) {
  const float masked = block_sum(loss.masked, scratch[0]);
  const float biozero = block_sum(loss.biozero, scratch[1]);
  if (threadIdx.x == 0) sums = {masked, biozero};
}

}  // namespace maskclass::cuda
