#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/training/precision.h"
#include "kernels/parameters.h"

namespace maskclass::cuda {

/// What the kernels of a training step work on.
struct StepArrays {
  Columns columns;
  Corruption how;
  WideLayers wide;
  Trained trunk;
  Exchange exchange;
  Schedule schedule;
  int batch_size = 0;  ///< Cells of a whole batch: the stride of Exchange's arrays.
};

/// What a training step needs, for kernels of either kind of widths.
struct TrainingStep : StepArrays {
  NetworkShape shape;
  Precision precision = Precision::fp32;
};

/// Kernels of one step in the graph driver.
inline constexpr int kLaunchesAStep = 5;

/// Launches one step: five kernels, each a phase. Steps beyond the epoch's last do nothing, so that
/// a graph of a fixed number of steps serves any epoch. Throws DeviceError where a launch is
/// refused.
void launch_step(const TrainingStep& step, cudaStream_t stream);

/// Launches the uncorrupted forward pass of the batch that the schedule holds, and writes, for its
/// n_cells cells, outputs brought back to log2 values, log2_out [n_cells][n_genes]; where null,
/// only the last block is computed: Exchange::block_output[1] is the latent.
void launch_inference(const TrainingStep& step, int n_cells, float* log2_out, cudaStream_t stream);

/// Raises the limit of shared memory of the kernels above where the widths need it. Throws
/// DeviceError{capability} where the device has too little.
void prepare_step_kernels(const NetworkShape& shape, std::size_t shared_bytes_per_block);

}  // namespace maskclass::cuda
