#pragma once

#include "kernels/cuda/ops/adam.cuh"
#include "kernels/cuda/ops/corrupt.cuh"
#include "kernels/cuda/ops/masked_loss.cuh"
#include "kernels/cuda/training/products.cuh"
#include "kernels/cuda/training/shapes.cuh"

/// Phases 1, 3 and 5 of a training step: the two wide layers, for a block of 256 threads that has
/// one slice of 32 genes. Gradients of the weights stay in registers, where Adam uses them up.
/// The functions are built of three products of a tile (products.cuh) and have no loops over cells
/// or hidden units of their own: callers bring tiles of 32 cells and chunks of 64 units.
namespace maskclass::cuda {

/// Writes a tile's product with a slice's weights, which is the slice's part of a sum over all
/// genes: partial[slice][first_cell + row][64 chunk + column]. 256 neighbouring bytes a warp,
/// or 32.
template <Precision kPrecision, class Widths>
__device__ __forceinline__ void store_partial(const Widths& widths, const float (&sums)[4][2],
                                              const Exchange& exchange, int batch_size, int slice,
                                              int first_cell, int n_cells, int chunk) {
  const typename Products<kPrecision>::PairPlace mine;
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const int unit = chunk * kChunk + mine.column(r);
    if (mine.row(r) >= n_cells) continue;
    const std::size_t cell =
        static_cast<std::size_t>(slice) * batch_size + first_cell + mine.row(r);
    float* to = exchange.partial + cell * widths.hidden + unit;
    if (widths.hidden % 2 == 0) {
      if (unit < widths.hidden) {
        *reinterpret_cast<float2*>(to) = make_float2(sums[r][0], sums[r][1]);
      }
    } else {
      if (unit < widths.hidden) to[0] = sums[r][0];
      if (unit + 1 < widths.hidden) to[1] = sums[r][1];
    }
  }
}

/// Phase 1 and the backward half of phase 3: partial sums of `tile` times `weights`.
template <Precision kPrecision, class Widths>
__device__ __forceinline__ void project_tile(const Widths& widths, const TileRows& tile,
                                             const Chunk& weights, const Exchange& exchange,
                                             int batch_size, int slice, int first_cell, int n_cells,
                                             int chunk) {
  float sums[4][2] = {};
  Products<kPrecision>::multiply(tile, weights, sums);
  store_partial<kPrecision>(widths, sums, exchange, batch_size, slice, first_cell, n_cells, chunk);
}

/// Adam for a chunk of a wide layer's slice from the gradient that the thread has in registers.
/// `layer` points at the slice's first gene; its rows are `stride` floats apart.
template <Precision kPrecision, class Widths>
__device__ __forceinline__ void update_chunk(const Widths& widths, const AdamStep& adam,
                                             const float (&gradient)[4][2], const Trained& layer,
                                             int stride, int chunk) {
  const typename Products<kPrecision>::PairPlace mine;
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const int unit = chunk * kChunk + mine.column(r);
    const std::size_t at = static_cast<std::size_t>(mine.row(r)) * stride + unit;
    if (widths.hidden % 2 == 0) {
      if (unit < widths.hidden) update2(adam, gradient[r][0], gradient[r][1], layer, at);
    } else {
      if (unit < widths.hidden) update(adam, gradient[r][0], layer, at);
      if (unit + 1 < widths.hidden) update(adam, gradient[r][1], layer, at + 1);
    }
  }
}

/// The tile's outputs become the gradients of the loss at them, in the place of the targets; adds
/// to the loss. `output` are the sums of multiply_by_rows, without the bias, which is [32] here.
template <Precision kPrecision>
__device__ __forceinline__ void outputs_to_gradients(const float (&output)[4], const float* bias,
                                                     const Corruption& how,
                                                     const GradientScale& scale, Tile& tile,
                                                     SliceLoss& loss) {
  const typename Products<kPrecision>::OutputPlace mine;
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const int cell = mine.row(r);
    const int gene = mine.column(r);
    tile.target[cell][gene] =
        loss_gradient(tile, how, scale, cell, gene, output[r] + bias[gene], loss);
  }
}

/// The first warp's part of the bias's gradient: lane k adds gene k's gradients over the tile's
/// cells, in order.
__device__ __forceinline__ void add_bias_gradient(const TileRows& gradient, float& sum) {
  if (threadIdx.x >= kSliceGenes) return;
  for (int cell = 0; cell < kTileCells; ++cell) sum += gradient[cell][threadIdx.x];
}

}  // namespace maskclass::cuda
