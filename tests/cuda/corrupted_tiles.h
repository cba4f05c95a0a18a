#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/columns.h"
#include "kernels/cuda/training_memory.h"

namespace maskclass::cuda::test {

/// What corrupt.cuh's fill_tile leaves in shared memory, and the sums over the block, copied out.
struct CorruptedTile {
  float input[kTileCells][kSliceGenes];
  float target[kTileCells][kSliceGenes];
  float biozero[kTileCells][kSliceGenes];
  std::uint32_t present[kTileCells];
  std::uint32_t masked[kTileCells];
  TileSums sums;
};

/// Fills the tiles of a batch of n_cells rows of `columns`: tiles[slice][tile], on the device, of
/// columns.n_slices slices and one tile for each 32 cells.
void corrupt_tiles(const Columns& columns, const Corruption& how, std::uint32_t epoch,
                   const std::uint32_t* rows, int n_cells, CorruptedTile* tiles,
                   cudaStream_t stream);

}  // namespace maskclass::cuda::test
