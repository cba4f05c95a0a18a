#pragma once

#include "kernels/cuda/ops/corrupt.cuh"
#include "kernels/cuda/training/shapes.cuh"
#include "kernels/cuda/training/training_step.h"
#include "kernels/cuda/training/trunk.cuh"

namespace maskclass::cuda {

/// Everything a kernel of the training step gets, by value.
template <class Widths>
struct TrainingArgs : StepArrays {
  Widths widths;
};

/// The cells of one batch: `first` and those after it in the epoch's order.
struct Batch {
  std::uint32_t index;
  std::int64_t first;
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
  return {index, first, static_cast<int>(min(rest, static_cast<std::int64_t>(args.batch_size)))};
}

/// The numbers of EpochState that a kernel reads; `index` is `now` or `next`.
struct EpochNumbers {
  std::uint32_t epoch;
  std::uint32_t n_cells;
  std::uint32_t n_batches;
  std::uint32_t index;
};

/// One access a warp, four lanes a number each. All lanes must take part.
__device__ __forceinline__ EpochNumbers read_state(const EpochState& state,
                                                   const std::uint32_t& index) {
  const int lane = static_cast<int>(threadIdx.x) % 4;
  const std::uint32_t mine = *(lane == 0   ? &state.epoch
                               : lane == 1 ? &state.n_cells
                               : lane == 2 ? &state.n_batches
                                           : &index);
  return {__shfl_sync(kAllLanes, mine, 0), __shfl_sync(kAllLanes, mine, 1),
          __shfl_sync(kAllLanes, mine, 2), __shfl_sync(kAllLanes, mine, 3)};
}

template <class Widths>
__host__ __device__ __forceinline__ int most_tiles(const TrainingArgs<Widths>& args) {
  return (args.batch_size + kTileCells - 1) / kTileCells;
}

/// A wide layer from the first gene of a slice on.
template <class Widths>
__device__ __forceinline__ Trained slice_of(const TrainingArgs<Widths>& args, const Trained& layer,
                                            int slice) {
  const std::size_t at = static_cast<std::size_t>(slice) * kSliceGenes * args.widths.hidden;
  return {layer.value + at, layer.first_moment + at, layer.second_moment + at};
}

}  // namespace maskclass::cuda
