#pragma once

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

/// Where the arrays of one fused block lie in the trunk's. Weights are [in][out + 1]: the odd
/// stride keeps both directions of the product free of bank conflicts in shared memory, and the
/// same layout in global memory makes staging a copy.
struct BlockLayout {
  int n_in = 0;  ///< 0 for the first block, whose weights are the encoder's
  int n_out = 0;
  int weight = 0;
  int bias = 0;
  int gain = 0;
  int shift = 0;

  __host__ __device__ constexpr int weight_stride() const { return n_out + 1; }
};

/// The trunk's parameters: one array of `size` floats for values, one for each moment.
struct TrunkLayout {
  BlockLayout block[3];
  int size = 0;

  __host__ __device__ constexpr TrunkLayout(int hidden, int latent) {
    const int n_in[3] = {0, hidden, latent};
    const int n_out[3] = {hidden, latent, hidden};
    for (int b = 0; b < 3; ++b) {
      block[b].n_in = n_in[b];
      block[b].n_out = n_out[b];
      block[b].weight = size;
      size += n_in[b] * (n_out[b] + 1);
      block[b].bias = size;
      block[b].gain = size + n_out[b];
      block[b].shift = size + 2 * n_out[b];
      size += 3 * n_out[b];
    }
  }
};

/// A slice's part of the loss's denominators over one tile of cells.
struct TileSums {
  std::uint32_t masked_zeros;
  std::uint32_t masked_nonzeros;
  float biozero;
};

/// A slice's part of the loss, before the denominators.
struct SliceLoss {
  float masked;
  float biozero;
};

/// One over each denominator of the loss; 0 where that is empty.
struct LossScale {
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
  const std::uint32_t* order = nullptr;  ///< [n_cells]: rows of the data set
  const AdamStep* adam = nullptr;        ///< [n_batches]
  BatchLoss* losses = nullptr;           ///< [n_batches]
};

}  // namespace maskclass::cuda
