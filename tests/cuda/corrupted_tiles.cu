// Phase 1's gather, masks and corruption alone: a block fills one tile and copies it out.
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/training_args.cuh"
#include "tests/cuda/corrupted_tiles.h"

namespace maskclass::cuda::test {
namespace {

__global__ void __launch_bounds__(kThreads)
    corrupt_tiles_kernel(Columns columns, Corruption how, std::uint32_t epoch,
                         const std::uint32_t* rows, int n_cells, CorruptedTile* tiles) {
  __shared__ Tile tile;
  __shared__ TileCells cells;
  __shared__ SliceCoefficients coefficients;
  __shared__ float scratch[3][kWarps];

  const int slice = static_cast<int>(blockIdx.x);
  const int first_cell = static_cast<int>(blockIdx.y) * kTileCells;
  const int n_here = min(kTileCells, n_cells - first_cell);
  CorruptedTile& out = tiles[blockIdx.x * gridDim.y + blockIdx.y];
  load_cells(columns, slice, rows + first_cell, n_here, cells);
  load_coefficients(columns, slice, coefficients);
  __syncthreads();
  MaskCounts counts;
  fill_tile<true>(columns, how, epoch, slice, n_here, cells, coefficients, tile, counts);
  store_tile_sums(counts, scratch, out.sums);
  __syncthreads();
  for (int k = threadIdx.x; k < kTileCells * kSliceGenes; k += kThreads) {
    const int cell = k / kSliceGenes;
    const int gene = k % kSliceGenes;
    out.input[cell][gene] = tile.input[cell][gene];
    out.target[cell][gene] = tile.target[cell][gene];
    out.biozero[cell][gene] = tile.biozero[cell][gene];
  }
  if (threadIdx.x < kTileCells) {
    out.present[threadIdx.x] = tile.present[threadIdx.x];
    out.masked[threadIdx.x] = tile.masked[threadIdx.x];
  }
}

}  // namespace

void corrupt_tiles(const Columns& columns, const Corruption& how, std::uint32_t epoch,
                   const std::uint32_t* rows, int n_cells, CorruptedTile* tiles,
                   cudaStream_t stream) {
  const auto n_tiles = static_cast<unsigned>((n_cells + kTileCells - 1) / kTileCells);
  corrupt_tiles_kernel<<<dim3(static_cast<unsigned>(columns.n_slices), n_tiles), kThreads, 0,
                         stream>>>(columns, how, epoch, rows, n_cells, tiles);
  check_launch("corrupt_tiles_kernel");
}

}  // namespace maskclass::cuda::test
