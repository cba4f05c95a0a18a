// The training step as five kernels, a phase each (docs/training-step.md), and inference.
//
// Phases 1, 3 and 5 give a block of 256 threads one slice of 32 genes (phase 1: and one tile of 32
// cells), phases 2 and 4 a group of 8 cells; phase 5 has the trunk's update beside the slices. What
// lies in shared memory is declared at the top of each kernel. With B cells, S slices, H hidden
// units, per step and in bytes of global memory:
//   1 encode          reads 128 S H (weights), the batch's columns; writes 4 S B H
//   2 trunk forward   reads 4 S B H, the trunk's parameters a group; writes 4 B (2 H + L) and as
//                     much of a trace
//   3 decode          reads 128 S H, 4 S B H (activations), the columns; writes 4 S B H;
//                     Adam reads 384 S H, writes 384 S H
//   4 trunk backward  as phase 2, backwards
//   5 encode backward reads 4 S B H (gradients), the columns; Adam as in phase 3
// The products of phases 1, 3 and 5 are 2, 6 and 2 operations for each of B x 32 S x H.
#include "kernels/cuda/training/training_step.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/training/training_args.cuh"
#include "kernels/cuda/training/wide_layers.cuh"

namespace maskclass::cuda {
namespace {

template <class Widths, bool kCorrupt, Precision kPrecision>
__global__ void __launch_bounds__(kThreads, 2)
    encode_kernel(const __grid_constant__ TrainingArgs<Widths> args) {
  __shared__ Tile tile;
  __shared__ TileCells cells;
  __shared__ SliceCoefficients coefficients;
  __shared__ Chunk weights;
  __shared__ float scratch[3][kWarps];

  EpochState& written = *args.schedule.state;
  const EpochNumbers state = read_state(written, written.next);
  const int slice = static_cast<int>(blockIdx.x);
  const int tile_index = static_cast<int>(blockIdx.y);
  if (slice == 0 && tile_index == 0 && threadIdx.x == 0) written.now = state.index;
  if (state.index >= state.n_batches) return;
  const Batch batch = batch_of(args, state.index, state.n_cells);
  TileSums& sums =
      args.exchange.tile_sums[static_cast<std::size_t>(slice) * most_tiles(args) + tile_index];
  const int n_cells = batch.cells_in_tile(tile_index);
  if (n_cells <= 0) {
    if (threadIdx.x == 0) sums = {};
    return;
  }
  const int first_cell = tile_index * kTileCells;

  load_cells(args.columns, slice, batch.first + first_cell, n_cells, cells);
  load_coefficients(args.columns, slice, coefficients);
  __syncthreads();
  MaskCounts counts;
  fill_tile<kCorrupt>(args.columns, args.how, state.epoch, slice, n_cells, cells, coefficients,
                      scaling_of(args.columns, slice), tile, counts);
  const float* layer = slice_of(args, args.wide.encoder, slice).value;
  for (int chunk = 0; chunk < chunks_of(args.widths); ++chunk) {
    if (chunk > 0) __syncthreads();
    load_chunk(layer + chunk * kChunk, args.widths.hidden, kSliceGenes,
               units_of(args.widths, chunk), weights);
    __syncthreads();
    project_tile<kPrecision>(args.widths, tile.input, weights, args.exchange, args.batch_size,
                             slice, first_cell, n_cells, chunk);
  }
  sum_over_block(counts, scratch, sums);
}

/// The trunk's parameters to shared memory, where there is room, as there is for the paper's
/// widths; else they are read where they are. A barrier before their use.
template <class Widths>
__device__ __forceinline__ TrunkParameters stage_parameters(const TrainingArgs<Widths>& args,
                                                            bool staged, float* memory) {
  const Widths& widths = args.widths;
  const float* const global = args.trunk.value;
  if (!std::is_same_v<Widths, PaperWidths> && !staged) {
    return {global, TrunkLayout(widths.hidden, widths.latent, kDenseRows)};
  }
  for_each_parameter(widths, [&](int from, int to) { memory[to] = global[from]; });
  return {memory, TrunkLayout(widths.hidden, widths.latent, kPaddedRows)};
}

template <class Widths>
__global__ void __launch_bounds__(kThreads, 2)
    trunk_forward_kernel(const __grid_constant__ TrainingArgs<Widths> args, bool staged) {
  extern __shared__ float memory[];
  const EpochNumbers state = read_state(*args.schedule.state, args.schedule.state->now);
  if (state.index >= state.n_batches) return;
  const Batch batch = batch_of(args, state.index, state.n_cells);
  const int group_index = static_cast<int>(blockIdx.x);
  if (group_index >= batch.n_groups()) return;
  const TrunkRows rows = trunk_rows(args.widths, memory);
  const TrunkParameters parameters =
      stage_parameters(args, staged, memory + trunk_rows_size(args.widths));
  __syncthreads();
  const Group group{group_index * kGroupCells, batch.cells_in_group(group_index), args.batch_size,
                    args.columns.n_slices};
  trunk_forward(args.widths, parameters, args.exchange, group, rows, {});
  if (group_index == 0 && threadIdx.x / kWarpSize == kWarps - 1) {
    const LossScale scale = sum_denominators(args.exchange.tile_sums,
                                             args.columns.n_slices * most_tiles(args), args.how);
    if (threadIdx.x % kWarpSize == 0) *args.exchange.loss_scale = scale;
  }
  __syncthreads();
  const int width = trace_width(args.widths);
  float* trace = args.exchange.trace + static_cast<std::size_t>(group.first_cell) * width;
  for (int k = threadIdx.x; k < group.n_cells * width; k += kThreads) trace[k] = rows.trace[k];
}

template <class Widths, Precision kPrecision>
__global__ void __launch_bounds__(kThreads, 1)
    decode_kernel(const __grid_constant__ TrainingArgs<Widths> args) {
  __shared__ Tile tile;
  __shared__ TileCells cells;
  __shared__ SliceCoefficients coefficients;
  __shared__ Chunk weights;
  __shared__ Chunk hidden;
  __shared__ float bias[kSliceGenes];
  __shared__ LossScale loss_scale;
  __shared__ float scratch[3][kWarps];
  __shared__ AdamStep shared_adam;

  const EpochNumbers state = read_state(*args.schedule.state, args.schedule.state->now);
  if (state.index >= state.n_batches) return;
  const Batch batch = batch_of(args, state.index, state.n_cells);
  const int slice = static_cast<int>(blockIdx.x);
  const int n_chunks = chunks_of(args.widths);
  const int n_tiles = batch.n_tiles();
  const Trained layer = slice_of(args, args.wide.output, slice);
  const auto load_weights = [&](int chunk) {
    load_chunk(layer.value + chunk * kChunk, args.widths.hidden, kSliceGenes,
               units_of(args.widths, chunk), weights);
  };
  const auto load_hidden = [&](int tile_index, int chunk) {
    const std::size_t first = static_cast<std::size_t>(tile_index) * kTileCells;
    load_chunk(args.exchange.decoder_input + first * args.widths.hidden + chunk * kChunk,
               args.widths.hidden, batch.cells_in_tile(tile_index), units_of(args.widths, chunk),
               hidden);
  };
  const auto saved_gradient = [&](int tile_index) {
    const std::size_t at = static_cast<std::size_t>(slice) * most_tiles(args) + tile_index;
    return args.exchange.output_gradient + at * kTileCells * kSliceGenes;
  };

  if (threadIdx.x < kSliceGenes) {
    bias[threadIdx.x] = args.wide.output_bias.value[slice * kSliceGenes + threadIdx.x];
  }
  if (threadIdx.x == 0) loss_scale = *args.exchange.loss_scale;
  load_step(args.schedule.adam[batch.index], shared_adam);
  load_coefficients(args.columns, slice, coefficients);
  SliceLoss loss{};
  float bias_gradient = 0.0f;
  // First the gradients of the loss at the outputs, which go back through the weights as they are.
  for (int tile_index = 0; tile_index < n_tiles; ++tile_index) {
    const int first_cell = tile_index * kTileCells;
    const int n_cells = batch.cells_in_tile(tile_index);
    __syncthreads();
    load_cells(args.columns, slice, batch.first + first_cell, n_cells, cells);
    __syncthreads();
    MaskCounts counts;  // phase 1 has counted
    fill_tile<true>(args.columns, args.how, state.epoch, slice, n_cells, cells, coefficients,
                    scaling_of(args.columns, slice), tile, counts);
    float output[4] = {};
    for (int chunk = 0; chunk < n_chunks; ++chunk) {
      __syncthreads();
      load_weights(chunk);
      load_hidden(tile_index, chunk);
      __syncthreads();
      Products<kPrecision>::multiply_by_rows(hidden, weights, output);
    }
    outputs_to_gradients<kPrecision>(
        output, bias, args.how, gradient_scale(loss_scale, args.how.biozero_weight), tile, loss);
    __syncthreads();
    add_bias_gradient(tile.target, bias_gradient);
    for (int chunk = 0; chunk < n_chunks; ++chunk) {
      if (n_chunks > 1) {
        __syncthreads();
        load_weights(chunk);
        __syncthreads();
      }
      project_tile<kPrecision>(args.widths, tile.target, weights, args.exchange, args.batch_size,
                               slice, first_cell, n_cells, chunk);
    }
    if (n_tiles > 1) {
      float* to = saved_gradient(tile_index);
      for (int k = threadIdx.x; k < kTileCells * kSliceGenes; k += kThreads) {
        to[k] = tile.target[k / kSliceGenes][k % kSliceGenes];
      }
    }
  }
  // Then the weights.
  const AdamStep adam = shared_adam;
  for (int chunk = 0; chunk < n_chunks; ++chunk) {
    float gradient[4][2] = {};
    for (int tile_index = 0; tile_index < n_tiles; ++tile_index) {
      if (n_tiles > 1 || n_chunks > 1) {
        __syncthreads();
        load_hidden(tile_index, chunk);
        if (n_tiles > 1) {
          const float* from = saved_gradient(tile_index);
          for (int k = threadIdx.x; k < kTileCells * kSliceGenes; k += kThreads) {
            tile.target[k / kSliceGenes][k % kSliceGenes] = from[k];
          }
        }
        __syncthreads();
      }
      Products<kPrecision>::multiply_transposed(tile.target, hidden, gradient);
    }
    update_chunk<kPrecision>(args.widths, adam, gradient, layer, args.widths.hidden, chunk);
  }
  if (threadIdx.x < kSliceGenes) {
    update(adam, bias_gradient, args.wide.output_bias,
           static_cast<std::size_t>(slice) * kSliceGenes + threadIdx.x);
  }
  sum_over_block(loss, scratch, args.exchange.slice_loss[slice]);
}

template <class Widths>
__global__ void __launch_bounds__(kThreads, 2)
    trunk_backward_kernel(const __grid_constant__ TrainingArgs<Widths> args, bool staged) {
  extern __shared__ float memory[];
  EpochState& written = *args.schedule.state;
  const EpochNumbers state = read_state(written, written.now);
  const std::uint32_t index = state.index;
  if (index >= state.n_batches) return;
  const Batch batch = batch_of(args, index, state.n_cells);
  const int group_index = static_cast<int>(blockIdx.x);
  if (group_index >= batch.n_groups()) return;
  const TrunkRows rows = trunk_rows(args.widths, memory);
  const TrunkParameters parameters =
      stage_parameters(args, staged, memory + trunk_rows_size(args.widths));
  const Group group{group_index * kGroupCells, batch.cells_in_group(group_index), args.batch_size,
                    args.columns.n_slices};
  const int width = trace_width(args.widths);
  const float* trace = args.exchange.trace + static_cast<std::size_t>(group.first_cell) * width;
  for (int k = threadIdx.x; k < group.n_cells * width; k += kThreads) rows.trace[k] = trace[k];
  __syncthreads();
  trunk_backward(args.widths, parameters, args.exchange, group, group_index, rows, {});
  if (group_index == 0 && threadIdx.x / kWarpSize == kWarps - 1) {
    const BatchLoss loss =
        sum_losses(args.exchange.slice_loss, args.columns.n_slices, *args.exchange.loss_scale);
    if (threadIdx.x % kWarpSize == 0) {
      args.schedule.losses[index] = loss;
      written.next = index + 1;
    }
  }
}

template <class Widths, Precision kPrecision>
__global__ void __launch_bounds__(kThreads, 2)
    encode_backward_kernel(const __grid_constant__ TrainingArgs<Widths> args) {
  __shared__ Tile tile;
  __shared__ TileCells cells;
  __shared__ SliceCoefficients coefficients;
  __shared__ Chunk gradients;
  __shared__ AdamStep shared_adam;

  const EpochNumbers state = read_state(*args.schedule.state, args.schedule.state->now);
  if (state.index >= state.n_batches) return;
  const Batch batch = batch_of(args, state.index, state.n_cells);
  load_step(args.schedule.adam[batch.index], shared_adam);
  __syncthreads();
  const AdamStep adam = shared_adam;
  const int n_slices = args.columns.n_slices;
  const int slice = static_cast<int>(blockIdx.x);
  if (slice >= n_slices) {
    const Exchange& exchange = args.exchange;
    const TrunkGradients trunk_gradients{{exchange.block_output[0], exchange.block_output[1]},
                                         {exchange.block_gradient[0], exchange.block_gradient[1]},
                                         exchange.vector_gradient,
                                         batch.n_cells,
                                         batch.n_groups()};
    const int n_blocks = static_cast<int>(gridDim.x) - n_slices;
    update_trunk<8>(args.widths, TrunkLayout(args.widths.hidden, args.widths.latent, kDenseRows),
                    adam, trunk_gradients, args.trunk,
                    (slice - n_slices) * kThreads + static_cast<int>(threadIdx.x),
                    n_blocks * kThreads);
    return;
  }

  const int n_chunks = chunks_of(args.widths);
  const int n_tiles = batch.n_tiles();
  load_coefficients(args.columns, slice, coefficients);
  for (int chunk = 0; chunk < n_chunks; ++chunk) {
    float gradient[4][2] = {};
    for (int tile_index = 0; tile_index < n_tiles; ++tile_index) {
      const int first_cell = tile_index * kTileCells;
      const int n_cells = batch.cells_in_tile(tile_index);
      __syncthreads();
      load_chunk(args.exchange.encoder_gradient +
                     static_cast<std::size_t>(first_cell) * args.widths.hidden + chunk * kChunk,
                 args.widths.hidden, n_cells, units_of(args.widths, chunk), gradients);
      if (chunk == 0 || n_tiles > 1) {
        load_cells(args.columns, slice, batch.first + first_cell, n_cells, cells);
        __syncthreads();
        MaskCounts counts;
        fill_tile<true>(args.columns, args.how, state.epoch, slice, n_cells, cells, coefficients,
                        scaling_of(args.columns, slice), tile, counts);
      }
      __syncthreads();
      Products<kPrecision>::multiply_transposed(tile.input, gradients, gradient);
    }
    update_chunk<kPrecision>(args.widths, adam, gradient, slice_of(args, args.wide.encoder, slice),
                             args.widths.hidden, chunk);
  }
}

/// Inference's phase 3: a block has one slice and one tile of cells; lane k writes gene k.
template <class Widths>
__global__ void __launch_bounds__(kThreads, 2)
    reconstruct_kernel(const __grid_constant__ TrainingArgs<Widths> args, float* log2_out) {
  __shared__ Chunk weights;
  __shared__ Chunk hidden;

  const Batch batch = batch_of(args, args.schedule.state->now, args.schedule.state->n_cells);
  const int slice = static_cast<int>(blockIdx.x);
  const int first_cell = static_cast<int>(blockIdx.y) * kTileCells;
  const int n_cells = batch.cells_in_tile(static_cast<int>(blockIdx.y));
  const Trained layer = slice_of(args, args.wide.output, slice);
  float output[4] = {};
  for (int chunk = 0; chunk < chunks_of(args.widths); ++chunk) {
    if (chunk > 0) __syncthreads();
    load_chunk(layer.value + chunk * kChunk, args.widths.hidden, kSliceGenes,
               units_of(args.widths, chunk), weights);
    load_chunk(args.exchange.decoder_input +
                   static_cast<std::size_t>(first_cell) * args.widths.hidden + chunk * kChunk,
               args.widths.hidden, n_cells, units_of(args.widths, chunk), hidden);
    __syncthreads();
    Products<Precision::fp32>::multiply_by_rows(hidden, weights, output);
  }
  const Products<Precision::fp32>::OutputPlace mine;
  const int gene = slice * kSliceGenes + mine.column(0);
  if (gene >= args.columns.n_genes) return;
  const GeneScaling scaling = args.columns.genes[gene];
  const float bias = args.wide.output_bias.value[gene];
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const int cell = mine.row(r);
    if (cell >= n_cells) break;
    log2_out[static_cast<std::size_t>(first_cell + cell) * args.columns.n_genes + gene] =
        inverse_scale(output[r] + bias, scaling);
  }
}

/// Calls work with the widths that the kernels are compiled for.
template <class Work>
void with_widths(const NetworkShape& shape, const Work& work) {
  if (are_paper_widths(shape)) {
    work(PaperWidths{});
  } else {
    work(AnyWidths{shape.hidden, shape.latent});
  }
}

/// Shared memory that every device has without asking for more.
constexpr std::size_t kPlainSharedBytes = 48 * 1024;

template <class Widths>
std::size_t rows_bytes(const Widths& widths) {
  return trunk_rows_size(widths) * sizeof(float);
}
template <class Widths>
std::size_t staged_bytes(const Widths& widths) {
  return rows_bytes(widths) +
         TrunkLayout(widths.hidden, widths.latent, kPaddedRows).size * sizeof(float);
}

struct TrunkLaunch {
  unsigned n_blocks;
  std::size_t shared_bytes;
  bool staged;
};
template <class Widths>
TrunkLaunch trunk_launch(const Widths& widths, int n_cells) {
  const bool staged = staged_bytes(widths) <= kPlainSharedBytes;
  return {static_cast<unsigned>((n_cells + kGroupCells - 1) / kGroupCells),
          staged ? staged_bytes(widths) : rows_bytes(widths), staged};
}

}  // namespace

namespace {

template <Precision kPrecision>
void launch_step_in(const TrainingStep& step, cudaStream_t stream) {
  with_widths(step.shape, [&](const auto& widths) {
    using Widths = std::decay_t<decltype(widths)>;
    const TrainingArgs<Widths> args{step, widths};
    const auto n_slices = static_cast<unsigned>(step.columns.n_slices);
    const auto n_tiles = static_cast<unsigned>(most_tiles(args));
    const TrunkLaunch trunk = trunk_launch(widths, step.batch_size);
    encode_kernel<Widths, true, kPrecision><<<dim3(n_slices, n_tiles), kThreads, 0, stream>>>(args);
    check_launch("encode_kernel");
    trunk_forward_kernel<<<trunk.n_blocks, kThreads, trunk.shared_bytes, stream>>>(args,
                                                                                   trunk.staged);
    check_launch("trunk_forward_kernel");
    decode_kernel<Widths, kPrecision><<<n_slices, kThreads, 0, stream>>>(args);
    check_launch("decode_kernel");
    trunk_backward_kernel<<<trunk.n_blocks, kThreads, trunk.shared_bytes, stream>>>(args,
                                                                                    trunk.staged);
    check_launch("trunk_backward_kernel");
    constexpr unsigned kTrunkBlocks = 4;
    encode_backward_kernel<Widths, kPrecision>
        <<<n_slices + kTrunkBlocks, kThreads, 0, stream>>>(args);
    check_launch("encode_backward_kernel");
  });
}

}  // namespace

void launch_step(const TrainingStep& step, cudaStream_t stream) {
  if (step.precision == Precision::tf32) {
    launch_step_in<Precision::tf32>(step, stream);
  } else {
    launch_step_in<Precision::fp32>(step, stream);
  }
}

void launch_inference(const TrainingStep& step, int n_cells, float* log2_out, cudaStream_t stream) {
  with_widths(step.shape, [&](const auto& widths) {
    using Widths = std::decay_t<decltype(widths)>;
    const TrainingArgs<Widths> args{step, widths};
    const auto n_slices = static_cast<unsigned>(step.columns.n_slices);
    const auto n_tiles = static_cast<unsigned>((n_cells + kTileCells - 1) / kTileCells);
    const TrunkLaunch trunk = trunk_launch(widths, n_cells);
    encode_kernel<Widths, false, Precision::fp32>
        <<<dim3(n_slices, static_cast<unsigned>(most_tiles(args))), kThreads, 0, stream>>>(args);
    check_launch("encode_kernel");
    trunk_forward_kernel<<<trunk.n_blocks, kThreads, trunk.shared_bytes, stream>>>(args,
                                                                                   trunk.staged);
    check_launch("trunk_forward_kernel");
    if (log2_out == nullptr) return;
    reconstruct_kernel<<<dim3(n_slices, n_tiles), kThreads, 0, stream>>>(args, log2_out);
    check_launch("reconstruct_kernel");
  });
}

void prepare_step_kernels(const NetworkShape& shape, std::size_t shared_bytes_per_block) {
  with_widths(shape, [&](const auto& widths) {
    using Widths = std::decay_t<decltype(widths)>;
    const std::size_t needed = trunk_launch(widths, 1).shared_bytes;
    if (needed <= kPlainSharedBytes) return;
    if (needed > shared_bytes_per_block) {
      throw DeviceError(Fault::capability, "a network of " + std::to_string(shape.hidden) + "-" +
                                               std::to_string(shape.latent) + " needs " +
                                               std::to_string(needed) +
                                               " bytes of shared memory a block, the GPU has " +
                                               std::to_string(shared_bytes_per_block) +
                                               ": lower --hidden or --latent, or use --device cpu");
    }
    const auto bytes = static_cast<int>(needed);
    check(cudaFuncSetAttribute(trunk_forward_kernel<Widths>,
                               cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
          "shared memory for trunk_forward_kernel");
    check(cudaFuncSetAttribute(trunk_backward_kernel<Widths>,
                               cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
          "shared memory for trunk_backward_kernel");
  });
}

}  // namespace maskclass::cuda
