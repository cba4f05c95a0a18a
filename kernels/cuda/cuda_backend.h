#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/runtime/context.h"
#include "kernels/cuda/training/precision.h"

namespace maskclass::cuda {

/// What replays the training step.
enum class Driver {
  automatic,   ///< persistent where its limits allow it, else graph
  graph,       ///< a captured graph of five kernels a step
  persistent,  ///< one cooperative kernel for many steps, weights and moments on chip
};

struct CudaOptions {
  Driver driver = Driver::automatic;
  Precision precision = Precision::fp32;
  Context context;  ///< A stream of its own is made where none is given.
  /// The most bytes of the GPU's memory that the job may take; 0: what is free.
  std::size_t memory_limit = 0;
};

/// ScaledData (kernels/backend.h) whose arrays lie on the device.
struct DeviceScaledData {
  std::int64_t n_cells = 0;
  std::int64_t n_nonzeros = 0;
  std::int32_t n_genes = 0;
  const std::int64_t* indptr = nullptr;     ///< [n_cells + 1]
  const std::int32_t* indices = nullptr;    ///< [n_nonzeros], ascending within a cell
  const float* scaled = nullptr;            ///< [n_nonzeros]
  const std::uint32_t* cell_ids = nullptr;  ///< [n_cells]
  const GeneScaling* genes = nullptr;       ///< [n_genes]
  std::int32_t n_curves = 1;
  const float* biozero_coefficients = nullptr;   ///< [n_curves][n_genes][kBiozeroTerms]
  const std::uint32_t* biozero_curve = nullptr;  ///< [n_cells]; may be null for one curve
  const float* biozero_position = nullptr;       ///< [n_cells]
  const float* biozero_shrink = nullptr;         ///< [n_cells]
};

/// A network on a GPU, whose results may stay there.
class CudaNetwork : public Backend {
 public:
  /// As reconstruct(), to device memory, on the stream of its context: log2_out [n_cells][n_genes],
  /// latent_out [n_cells][latent], either may be null. Waits for the stream between blocks of
  /// cells; what was launched last may still run when this returns.
  virtual void reconstruct_on_device(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                                     float* latent_out) = 0;
  virtual const NetworkShape& shape() const = 0;
  virtual const Context& context() const = 0;
};

/// Trains and applies the network on the calling thread's current GPU. A data set that is larger
/// than the GPU's memory stays on the host and streams through it, batches in the order of the
/// epoch, with the same bits; so the arrays of `data` must live as long as the backend (where they
/// lie on the device, they are copied, must fit, and may go once this returns and the stream is
/// done). Throws DeviceError (kernels/cuda/runtime/error.h): too little memory, a precision or
/// driver that the GPU or the network's shape does not allow.
std::unique_ptr<CudaNetwork> make_cuda_backend(const ScaledData& data, const NetworkShape& shape,
                                               const TrainingOptions& options,
                                               const CudaOptions& cuda_options);
std::unique_ptr<CudaNetwork> make_cuda_backend(const DeviceScaledData& data,
                                               const NetworkShape& shape,
                                               const TrainingOptions& options,
                                               const CudaOptions& cuda_options);

/// What the backend would do with a data set of this size on the current GPU, before it is loaded.
struct CudaPlan {
  std::size_t device_bytes = 0;  ///< to be allocated
  std::size_t free_bytes = 0;
  bool resident = true;  ///< the data set fits; else it streams through the GPU in tiles
  Driver driver = Driver::graph;
  std::string driver_reason;  ///< why not the persistent one; empty where it is
};
CudaPlan plan_cuda(const ScaledData& data, const NetworkShape& shape,
                   const TrainingOptions& options, const CudaOptions& cuda_options);

}  // namespace maskclass::cuda
