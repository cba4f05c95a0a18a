// Many training steps in one cooperative kernel: weights and moments stay on chip.
//
// Blocks have roles, for good. A slice block holds one or more slices of 32 genes in shared memory:
// the weights of both wide layers, Adam's moments, biozero coefficients, and the batch's tile from
// phase 1 to phase 5. A trunk block holds the whole trunk with its moments and has 8 cells of each
// batch; all trunk blocks make the same updates, in the same order, so that none has to wait for
// another's weights. The phases are those of training_step.cu, from the same functions, with the
// same bits. Between them the grid meets four times a step:
//
//   slice blocks   encode   |           | decode |                | encode backward, next encode
//   trunk blocks            |  forward  |        |   backward     | update
//   barrier                 1           2        3                4
//
// Global memory of a step, in bytes, with B cells, S slices in N blocks, H hidden units, T trunk
// blocks: each partial sum is written and read once in each direction (16 S B H); each slice block
// reads activations and gradients (8 N B H); the batch's columns are read once; each trunk block
// reads what the update needs of other blocks' cells (4 (B - 8) (2 H + 2 L)) and the sums for
// gains, shifts and biases.
#include <cooperative_groups.h>

#include <algorithm>

#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/training/persistent_step.h"
#include "kernels/cuda/training/training_args.cuh"
#include "kernels/cuda/training/wide_layers.cuh"

namespace maskclass::cuda {
namespace {

/// Of the trunk on chip.
__host__ __device__ constexpr TrunkLayout trunk_layout() {
  return {PaperWidths::hidden, PaperWidths::latent, kPaddedRows};
}
constexpr int kArrays = 3;  // value and two moments

/// A slice on chip; slices lie behind each other, and are read 16 bytes at a time.
struct alignas(16) ResidentSlice {
  Chunk encoder[kArrays];
  Chunk output[kArrays];
  float output_bias[kArrays][kSliceGenes];
  SliceCoefficients coefficients;
  GeneScaling scaling[kSliceGenes];
  Tile tile;
  TileCells cells;
};

/// What a slice block has in shared memory, with its slices behind it.
struct alignas(16) SliceBlock {
  Chunk cells;  ///< activations, then gradients, [cell][unit]
  float scratch[3][kWarps];
  LossScale loss_scale;
  AdamStep adam;
};

/// What a trunk block has in shared memory.
struct TrunkBlock {
  float parameters[kArrays][trunk_layout().size];
  float rows[trunk_rows_size(PaperWidths{})];
  /// The batch's, for the update: outputs of the first two blocks, gradients of the last two.
  alignas(16) float output_of_first[kTileCells * PaperWidths::hidden];
  float output_of_second[kTileCells * PaperWidths::latent];
  float gradient_of_second[kTileCells * PaperWidths::latent];
  float gradient_of_third[kTileCells * PaperWidths::hidden];
  AdamStep adam;
};
static_assert(sizeof(TrunkBlock) <= 99 * 1024, "all that 8.6, 8.9 and 12.0 give a block");

struct Steps {
  std::uint32_t first;
  std::uint32_t end;
};

__device__ __forceinline__ Trained view_of(float (&arrays)[kArrays][kSliceGenes]) {
  return {arrays[0], arrays[1], arrays[2]};
}
__device__ __forceinline__ Trained view_of(Chunk (&arrays)[kArrays]) {
  return {&arrays[0].row[0][0], &arrays[1].row[0][0], &arrays[2].row[0][0]};
}

/// Copies a slice's rows between global memory and chunks; `store` is the direction.
__device__ __forceinline__ void move_layer(const Trained& global, Chunk (&chunks)[kArrays],
                                           bool store) {
  float* const arrays[kArrays] = {global.value, global.first_moment, global.second_moment};
#pragma unroll
  for (int a = 0; a < kArrays; ++a) {
    for (int k = threadIdx.x; k < kSliceGenes * kChunk; k += kThreads) {
      float& on_chip = chunks[a].row[k / kChunk][k % kChunk];
      if (store) {
        arrays[a][k] = on_chip;
      } else {
        on_chip = arrays[a][k];
      }
    }
  }
}

__device__ void move_slice(const TrainingArgs<PaperWidths>& args, int slice,
                           ResidentSlice& resident, bool store) {
  move_layer(slice_of(args, args.wide.encoder, slice), resident.encoder, store);
  move_layer(slice_of(args, args.wide.output, slice), resident.output, store);
  float* const biases[kArrays] = {args.wide.output_bias.value, args.wide.output_bias.first_moment,
                                  args.wide.output_bias.second_moment};
  if (threadIdx.x >= kSliceGenes) return;
#pragma unroll
  for (int a = 0; a < kArrays; ++a) {
    float& global = biases[a][slice * kSliceGenes + threadIdx.x];
    float& on_chip = resident.output_bias[a][threadIdx.x];
    if (store) {
      global = on_chip;
    } else {
      on_chip = global;
    }
  }
}

/// Neighbouring words by neighbouring threads.
__device__ void load_scaling(const Columns& columns, int slice, GeneScaling* scaling) {
  constexpr int kWords = sizeof(GeneScaling) / sizeof(float);
  const int n_genes = min(kSliceGenes, columns.n_genes - slice * kSliceGenes);
  const auto* from = reinterpret_cast<const float*>(scaling_of(columns, slice));
  auto* to = reinterpret_cast<float*>(scaling);
  for (int k = threadIdx.x; k < n_genes * kWords; k += kThreads) to[k] = from[k];
}

/// Phase 1 of one slice, whose cells are loaded. The scratch is free after the next barrier.
template <Precision kPrecision>
__device__ __forceinline__ void encode(const TrainingArgs<PaperWidths>& args, const Batch& batch,
                                       std::uint32_t epoch, int slice, ResidentSlice& resident,
                                       SliceBlock& shared) {
  MaskCounts counts;
  fill_tile<true>(args.columns, args.how, epoch, slice, batch.n_cells, resident.cells,
                  resident.coefficients, resident.scaling, resident.tile, counts);
  if (kPrecision == Precision::fp32) {
    __syncwarp();  // a warp multiplies the rows that it filled
  } else {
    __syncthreads();
  }
  project_tile<kPrecision>(PaperWidths{}, resident.tile.input, resident.encoder[0], args.exchange,
                           args.batch_size, slice, 0, batch.n_cells, 0);
  sum_over_block(counts, shared.scratch, args.exchange.tile_sums[slice]);
}

/// Phase 3 of one slice; shared.cells are the activations.
template <Precision kPrecision>
__device__ __forceinline__ void decode(const TrainingArgs<PaperWidths>& args, const Batch& batch,
                                       const AdamStep& adam, const GradientScale& scale, int slice,
                                       ResidentSlice& resident, SliceBlock& shared) {
  SliceLoss loss{};
  float output[4] = {};
  Products<kPrecision>::multiply_by_rows(shared.cells, resident.output[0], output);
  outputs_to_gradients<kPrecision>(output, resident.output_bias[0], args.how, scale, resident.tile,
                                   loss);
  __syncthreads();
  float bias_gradient = 0.0f;
  add_bias_gradient(resident.tile.target, bias_gradient);
  project_tile<kPrecision>(PaperWidths{}, resident.tile.target, resident.output[0], args.exchange,
                           args.batch_size, slice, 0, batch.n_cells, 0);
  float gradient[4][2] = {};
  Products<kPrecision>::multiply_transposed(resident.tile.target, shared.cells, gradient);
  __syncthreads();  // all have read the weights
  update_chunk<kPrecision>(PaperWidths{}, adam, gradient, view_of(resident.output), kChunkStride,
                           0);
  if (threadIdx.x < kSliceGenes) {
    update(adam, bias_gradient, view_of(resident.output_bias), threadIdx.x);
  }
  sum_over_block(loss, shared.scratch, args.exchange.slice_loss[slice]);
}

/// Phase 5 of one slice; shared.cells are the gradients.
template <Precision kPrecision>
__device__ __forceinline__ void encode_backward(const AdamStep& adam, ResidentSlice& resident,
                                                const SliceBlock& shared) {
  float gradient[4][2] = {};
  Products<kPrecision>::multiply_transposed(resident.tile.input, shared.cells, gradient);
  update_chunk<kPrecision>(PaperWidths{}, adam, gradient, view_of(resident.encoder), kChunkStride,
                           0);
}

template <Precision kPrecision>
__device__ __forceinline__ void run_slices(const TrainingArgs<PaperWidths>& args, Steps steps,
                                           int first_slice, int end_slice, unsigned char* memory) {
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  SliceBlock& shared = *reinterpret_cast<SliceBlock*>(memory);
  ResidentSlice* resident = reinterpret_cast<ResidentSlice*>(memory + sizeof(SliceBlock));
  for (int slice = first_slice; slice < end_slice; ++slice) {
    move_slice(args, slice, resident[slice - first_slice], false);
    load_coefficients(args.columns, slice, resident[slice - first_slice].coefficients);
    load_scaling(args.columns, slice, resident[slice - first_slice].scaling);
  }
  const std::uint32_t epoch = args.schedule.state->epoch;
  const std::uint32_t n_cells = args.schedule.state->n_cells;

  for (std::uint32_t step = steps.first; step < steps.end; ++step) {
    const Batch batch = batch_of(args, step, n_cells);
    load_step(args.schedule.adam[step], shared.adam);
    for (int slice = first_slice; slice < end_slice; ++slice) {
      load_cells(args.columns, slice, batch.first, batch.n_cells,
                 resident[slice - first_slice].cells);
    }
    __syncthreads();
    const AdamStep adam = shared.adam;
    for (int slice = first_slice; slice < end_slice; ++slice) {
      if (slice > first_slice) __syncthreads();  // the scratch is used again
      encode<kPrecision>(args, batch, epoch, slice, resident[slice - first_slice], shared);
    }
    grid.sync();
    grid.sync();
    load_chunk(args.exchange.decoder_input, PaperWidths::hidden, batch.n_cells, kChunk,
               shared.cells);
    if (threadIdx.x == 0) shared.loss_scale = *args.exchange.loss_scale;
    __syncthreads();
    const GradientScale scale = gradient_scale(shared.loss_scale, args.how.biozero_weight);
    for (int slice = first_slice; slice < end_slice; ++slice) {
      decode<kPrecision>(args, batch, adam, scale, slice, resident[slice - first_slice], shared);
    }
    grid.sync();
    grid.sync();
    load_chunk(args.exchange.encoder_gradient, PaperWidths::hidden, batch.n_cells, kChunk,
               shared.cells);
    __syncthreads();
    for (int slice = first_slice; slice < end_slice; ++slice) {
      encode_backward<kPrecision>(adam, resident[slice - first_slice], shared);
    }
  }
  __syncthreads();
  for (int slice = first_slice; slice < end_slice; ++slice) {
    move_slice(args, slice, resident[slice - first_slice], true);
  }
}

/// Copies the rows of a batch that are other groups'.
__device__ __forceinline__ void copy_others(const float* from, int width, const Batch& batch,
                                            const Group& own, float* to) {
  const int own_begin = own.first_cell * width;
  const int own_end = (own.first_cell + max(own.n_cells, 0)) * width;
  for (int k = threadIdx.x; k < batch.n_cells * width; k += kThreads) {
    if (k < own_begin || k >= own_end) to[k] = from[k];
  }
}

/// The trunk's part of phase 5: other blocks' rows of the batch are fetched, this block's are
/// there.
__device__ __forceinline__ void update_trunk_on_chip(const TrainingArgs<PaperWidths>& args,
                                                     const Batch& batch, const Group& own,
                                                     TrunkBlock& shared) {
  constexpr int kHidden = PaperWidths::hidden;
  constexpr int kLatent = PaperWidths::latent;
  const Exchange& exchange = args.exchange;
  load_step(args.schedule.adam[batch.index], shared.adam);
  copy_others(exchange.block_output[0], kHidden, batch, own, shared.output_of_first);
  copy_others(exchange.block_output[1], kLatent, batch, own, shared.output_of_second);
  copy_others(exchange.block_gradient[0], kLatent, batch, own, shared.gradient_of_second);
  copy_others(exchange.block_gradient[1], kHidden, batch, own, shared.gradient_of_third);
  __syncthreads();
  const TrunkGradients gradients{{shared.output_of_first, shared.output_of_second},
                                 {shared.gradient_of_second, shared.gradient_of_third},
                                 exchange.vector_gradient,
                                 batch.n_cells,
                                 batch.n_groups()};
  const Trained trunk{shared.parameters[0], shared.parameters[1], shared.parameters[2]};
  const AdamStep adam = shared.adam;
  update_trunk<2>(PaperWidths{}, trunk_layout(), adam, gradients, trunk,
                  static_cast<int>(threadIdx.x), kThreads);
}

__device__ __forceinline__ void run_trunk(const TrainingArgs<PaperWidths>& args, Steps steps,
                                          int group_index, unsigned char* memory) {
  const cooperative_groups::grid_group grid = cooperative_groups::this_grid();
  TrunkBlock& shared = *reinterpret_cast<TrunkBlock*>(memory);
  const TrunkRows rows = trunk_rows(PaperWidths{}, shared.rows);
  const KeptRows kept{{shared.output_of_first, shared.output_of_second},
                      {shared.gradient_of_second, shared.gradient_of_third}};
  const Exchange& exchange = args.exchange;
  float* const arrays[kArrays] = {args.trunk.value, args.trunk.first_moment,
                                  args.trunk.second_moment};
#pragma unroll
  for (int a = 0; a < kArrays; ++a) {
    for_each_parameter(PaperWidths{},
                       [&](int from, int to) { shared.parameters[a][to] = arrays[a][from]; });
  }
  const TrunkParameters parameters{shared.parameters[0], trunk_layout()};
  const bool last_warp = threadIdx.x / kWarpSize == kWarps - 1;
  const bool keeps_loss = group_index == 0 && last_warp;
  const std::uint32_t n_cells = args.schedule.state->n_cells;

  for (std::uint32_t step = steps.first; step < steps.end; ++step) {
    const Batch batch = batch_of(args, step, n_cells);
    const Group group{group_index * kGroupCells, batch.cells_in_group(group_index), args.batch_size,
                      args.columns.n_slices};
    grid.sync();  // a barrier of the block, too
    if (keeps_loss) {
      const LossScale scale = sum_denominators(exchange.tile_sums, args.columns.n_slices, args.how);
      if (threadIdx.x % kWarpSize == 0) *exchange.loss_scale = scale;
    }
    trunk_forward(PaperWidths{}, parameters, exchange, group, rows, kept);
    grid.sync();
    grid.sync();
    if (group.n_cells > 0) {
      trunk_backward(PaperWidths{}, parameters, exchange, group, group_index, rows, kept);
    }
    if (keeps_loss) {
      const BatchLoss loss =
          sum_losses(exchange.slice_loss, args.columns.n_slices, *exchange.loss_scale);
      if (threadIdx.x % kWarpSize == 0) args.schedule.losses[step] = loss;
    }
    grid.sync();
    update_trunk_on_chip(args, batch, group, shared);
  }
  __syncthreads();
  if (group_index > 0) return;
#pragma unroll
  for (int a = 0; a < kArrays; ++a) {
    for_each_parameter(PaperWidths{},
                       [&](int to, int from) { arrays[a][to] = shared.parameters[a][from]; });
  }
}

template <Precision kPrecision>
__global__ void __launch_bounds__(kThreads, 1)
    persistent_kernel(const __grid_constant__ TrainingArgs<PaperWidths> args, Steps steps,
                      int slices_a_block, int n_slice_blocks) {
  extern __shared__ __align__(16) unsigned char block_memory[];
  const int block = static_cast<int>(blockIdx.x);
  if (block < n_slice_blocks) {
    const int first = block * slices_a_block;
    run_slices<kPrecision>(args, steps, first, min(first + slices_a_block, args.columns.n_slices),
                           block_memory);
  } else {
    run_trunk(args, steps, block - n_slice_blocks, block_memory);
  }
}

std::size_t slice_block_bytes(int slices_a_block) {
  return sizeof(SliceBlock) + slices_a_block * sizeof(ResidentSlice);
}

}  // namespace

PersistentPlan plan_persistent(const NetworkShape& shape, int batch_size,
                               const DeviceInfo& device) {
  PersistentPlan plan;
  const auto refuse = [&](const std::string& reason) {
    plan.reason = reason;
    return plan;
  };
  if (!are_paper_widths(shape)) {
    return refuse("the persistent kernel is built for hidden 64 and latent 32");
  }
  if (batch_size > kTileCells) return refuse("the persistent kernel takes batches of up to 32");
  if (!device.cooperative) return refuse("the GPU has no cooperative launch");
  const int n_slices = slices_of(shape.n_genes);
  plan.n_trunk_blocks = (batch_size + kGroupCells - 1) / kGroupCells;
  const int n_blocks = device.n_multiprocessors - plan.n_trunk_blocks;
  if (n_blocks < 1) return refuse("the GPU has too few multiprocessors");
  plan.slices_a_block = (n_slices + n_blocks - 1) / n_blocks;
  plan.n_slice_blocks = (n_slices + plan.slices_a_block - 1) / plan.slices_a_block;
  plan.shared_bytes = std::max(slice_block_bytes(plan.slices_a_block), sizeof(TrunkBlock));
  if (plan.shared_bytes > device.shared_bytes_per_block) {
    const std::size_t room = device.shared_bytes_per_block;
    const std::size_t most =
        room < slice_block_bytes(1) || room < sizeof(TrunkBlock)
            ? 0
            : (room - sizeof(SliceBlock)) / sizeof(ResidentSlice) * n_blocks * kSliceGenes;
    return refuse("the weights of " + std::to_string(shape.n_genes) +
                  " genes do not fit on the chip of this GPU, which holds " + std::to_string(most) +
                  " genes");
  }
  return plan;
}

void launch_persistent(const TrainingStep& step, const PersistentPlan& plan, std::uint32_t first,
                       std::uint32_t n_steps, cudaStream_t stream) {
  TrainingArgs<PaperWidths> args{step, PaperWidths{}};
  Steps steps{first, first + n_steps};
  int slices_a_block = plan.slices_a_block;
  int n_slice_blocks = plan.n_slice_blocks;
  void* arguments[] = {&args, &steps, &slices_a_block, &n_slice_blocks};
  auto* const kernel = step.precision == Precision::tf32 ? persistent_kernel<Precision::tf32>
                                                         : persistent_kernel<Precision::fp32>;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(plan.shared_bytes)),
        "shared memory for persistent_kernel");
  check(cudaLaunchCooperativeKernel(kernel, dim3(plan.n_blocks()), dim3(kThreads), arguments,
                                    plan.shared_bytes, stream),
        "persistent_kernel");
}

}  // namespace maskclass::cuda
