#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/memory/training_memory.h"

namespace maskclass::cuda {

/// A corrupted batch as dense arrays [n_cells][n_genes] on the device. Training never makes one.
struct DenseBatch {
  float* input = nullptr;        ///< corrupted, scaled
  float* target = nullptr;       ///< scaled
  float* mask_weight = nullptr;  ///< w_bio or w_nz at masked entries, else 0
  float* biozero = nullptr;      ///< biozero probability at zeros where gamma is not 0, else 0
  TileSums* sums = nullptr;  ///< [n_slices][tiles of 32 cells]: the denominators' parts, or null
};

/// Draws the masks of the first n_cells cells of the columns' order in epoch `epoch`, and corrupts
/// them (paper, Section 2.5): what a training step does on chip, written out. Asynchronous, one
/// launch. Throws std::invalid_argument for no cells or null arrays, DeviceError where the launch
/// is refused. Kernel: corrupt.cu.
void corrupt(const Columns& columns, const Corruption& how, std::uint32_t epoch, int n_cells,
             const DenseBatch& batch, cudaStream_t stream);

}  // namespace maskclass::cuda
