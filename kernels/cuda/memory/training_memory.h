#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/adam_step.h"

/// What the phases of a training step read and write in global memory, as kernels get it: by value.
/// B: cells of the largest batch, S: slices, H: hidden, L: latent.
namespace maskclass::cuda {

/// Cells of a tile, which a block works on at a time in the wide layers.
inline constexpr int kTileCells = 32;
/// Cells of a group, which a block has in the trunk: a warp each.
inline constexpr int kGroupCells = 8;

/// How a batch is corrupted and weighted (TrainingOptions), in the form of the kernels.
struct Corruption {
  std::uint64_t seed;
  /// A non-zero is masked where its 32 random bits are below this: floor(probability * 2^32).
  std::uint64_t nonzero_limit;
  std::uint64_t zero_limit;  ///< The same for a zero that is certainly biological.
  float mask_zero;
  float noise;
  float zero_weight;
  float nonzero_weight;
  float biozero_weight;
};

/// A trained array with Adam's moments, all of one layout.
struct Trained {
  float* value = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
};

/// A wide layer: [32 S][H], the genes beyond the last 0.
struct WideLayers {
  Trained encoder;      ///< weight of the first block, transposed: [gene][unit]
  Trained output;       ///< [gene][unit]
  Trained output_bias;  ///< [32 S]
};

/// Where the arrays of one fused block lie in the trunk's. Weights are [in][weight_stride].
struct BlockLayout {
  int n_in = 0;  ///< 0 for the first block, whose weights are the encoder's
  int n_out = 0;
  int weight = 0;
  int weight_stride = 0;
  int bias = 0;
  int gain = 0;
  int shift = 0;
};

/// Floats between rows of the trunk's weights. In global memory there are none: rows are whole
/// sectors. In shared memory an odd stride keeps both directions of the product, of which one reads
/// downwards, free of bank conflicts.
inline constexpr int kDenseRows = 0;
inline constexpr int kPaddedRows = 1;

/// The trunk's parameters: one array of `size` floats for values, one for each moment.
struct TrunkLayout {
  BlockLayout block[3];
  int size = 0;

  __host__ __device__ constexpr TrunkLayout(int hidden, int latent, int row_padding) {
    const int n_in[3] = {0, hidden, latent};
    const int n_out[3] = {hidden, latent, hidden};
    for (int b = 0; b < 3; ++b) {
      block[b].n_in = n_in[b];
      block[b].n_out = n_out[b];
      block[b].weight = size;
      block[b].weight_stride = n_out[b] + row_padding;
      size += n_in[b] * block[b].weight_stride;
      block[b].bias = size;
      block[b].gain = size + n_out[b];
      block[b].shift = size + 2 * n_out[b];
      size += 3 * n_out[b];
    }
  }
};

/// A slice's part of the loss's denominators over one tile of cells.
struct alignas(16) TileSums {
  std::uint32_t masked_zeros;
  std::uint32_t masked_nonzeros;
  float biozero;
  std::uint32_t unused;  ///< 0; makes it one access
};

/// A slice's part of the loss, before the denominators.
struct alignas(8) SliceLoss {
  float masked;
  float biozero;
};

/// One over each denominator of the loss; 0 where that is empty.
struct alignas(16) LossScale {
  double masked;
  double biozero;
};

/// Mean terms of the loss of one batch.
struct BatchLoss {
  double masked;
  double biozero;
};

/// What the phases pass on to each other. `trace` belongs to the trunk alone.
struct Exchange {
  float* partial = nullptr;           ///< [S][B][H]: a slice's part of the first block's linear
                                      ///< output, then of the gradient of the last block's output
  float* decoder_input = nullptr;     ///< [B][H]: output of the last block
  float* encoder_gradient = nullptr;  ///< [B][H]: gradient of the first block's linear output
  float* block_output[2] = {};        ///< [B][H], [B][L]: outputs of the first two blocks
  float* block_gradient[2] = {};      ///< [B][L], [B][H]: gradients of the last two linear outputs
  float* trace = nullptr;             ///< [B][trace_width]
  float* vector_gradient = nullptr;   ///< [groups][3][2 H + L]: of gains, shifts and biases
  TileSums* tile_sums = nullptr;      ///< [S][tiles]
  SliceLoss* slice_loss = nullptr;    ///< [S]
  LossScale* loss_scale = nullptr;    ///< one
  float* output_gradient = nullptr;   ///< [S][tiles][32][32], where a batch has several tiles
};

/// An epoch, in device memory, so that a captured graph needs no edits. A step reads its number
/// from `now`; `next` becomes `now` in phase 1 and `now + 1` goes to `next` in phase 4, so that no
/// kernel reads what it writes.
struct EpochState {
  std::uint32_t epoch;
  std::uint32_t n_cells;
  std::uint32_t n_batches;
  std::uint32_t now;
  std::uint32_t next;
};

struct Schedule {
  EpochState* state = nullptr;
  const AdamStep* adam = nullptr;  ///< [n_batches]
  BatchLoss* losses = nullptr;     ///< [n_batches]
};

}  // namespace maskclass::cuda
