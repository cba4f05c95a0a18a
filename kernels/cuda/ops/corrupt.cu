// A corrupted batch written out, from the functions of corrupt.cuh: a block of 256 threads has a
// tile of 32 cells x 32 genes in shared memory (12.5 KB) and writes 16 bytes an entry, 128
// neighbouring bytes a row of the tile.
#include "kernels/cuda/ops/corrupt.h"

#include <stdexcept>

#include "kernels/cuda/ops/masked_loss.cuh"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, 2)
    corrupt_kernel(const __grid_constant__ Columns columns, const __grid_constant__ Corruption how,
                   std::uint32_t epoch, int n_cells, DenseBatch batch) {
  __shared__ Tile tile;
  __shared__ TileCells cells;
  __shared__ SliceCoefficients coefficients;
  __shared__ float scratch[3][kWarps];

  const int slice = static_cast<int>(blockIdx.x);
  const int first_cell = static_cast<int>(blockIdx.y) * kTileCells;
  const int n_in_tile = min(kTileCells, n_cells - first_cell);
  load_cells(columns, slice, first_cell, n_in_tile, cells);
  load_coefficients(columns, slice, coefficients);
  __syncthreads();
  MaskCounts counts;
  fill_tile<true>(columns, how, epoch, slice, n_in_tile, cells, coefficients,
                  scaling_of(columns, slice), tile, counts);
  TileSums sums;
  sum_over_block(counts, scratch, sums);
  if (batch.sums != nullptr && threadIdx.x == 0) {
    batch.sums[blockIdx.x * gridDim.y + blockIdx.y] = sums;
  }
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int gene = slice * kSliceGenes + lane;
  if (gene >= columns.n_genes) return;
  for (int cell = static_cast<int>(threadIdx.x) / kWarpSize; cell < n_in_tile; cell += kWarps) {
    const std::size_t at = static_cast<std::size_t>(first_cell + cell) * columns.n_genes + gene;
    const bool masked = (tile.masked[cell] >> lane & 1u) != 0;
    const bool present = (tile.present[cell] >> lane & 1u) != 0;
    batch.input[at] = tile.input[cell][lane];
    batch.target[at] = tile.target[cell][lane];
    batch.mask_weight[at] = !masked ? 0.0f : present ? how.nonzero_weight : how.zero_weight;
    batch.biozero[at] = tile.biozero[cell][lane];
  }
}

}  // namespace

void corrupt(const Columns& columns, const Corruption& how, std::uint32_t epoch, int n_cells,
             const DenseBatch& batch, cudaStream_t stream) {
  if (n_cells < 1) throw std::invalid_argument("corrupt: there must be at least one cell");
  if (batch.input == nullptr || batch.target == nullptr || batch.mask_weight == nullptr ||
      batch.biozero == nullptr) {
    throw std::invalid_argument("corrupt: an array is missing");
  }
  const dim3 grid(static_cast<unsigned>(columns.n_slices),
                  static_cast<unsigned>((n_cells + kTileCells - 1) / kTileCells));
  corrupt_kernel<<<grid, kThreads, 0, stream>>>(columns, how, epoch, n_cells, batch);
  check_launch("corrupt_kernel");
}

}  // namespace maskclass::cuda
