#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/denoised_block.h"
#include "engine/evaluate/pca.h"
#include "engine/matrix/csr.h"
#include "engine/preprocess/gene_scaling.h"
#include "engine/progress.h"
#include "kernels/backend.h"

namespace maskclass {
struct DropoutModel;
namespace cuda {
struct Context;
struct DeviceCsr;
}  // namespace cuda
}  // namespace maskclass

/// Where a job is computed: the one place that chooses a device and makes its backend.
namespace maskclass {

enum class Device {
  automatic,  ///< CUDA where there is a GPU that can do the job, else the processor.
  cpu,
  cuda,
};

/// What replays the training step on a GPU (docs/CUDA.md).
enum class CudaDriver {
  automatic,   ///< persistent where its limits allow it, else graph
  graph,       ///< a captured graph, a few kernels a step
  persistent,  ///< one kernel for many steps, the network on the chip
};

enum class Precision {
  fp32,
  tf32,  ///< the wide layers on tensor cores, on a GPU of compute capability 8.0 or newer
};

struct DeviceOptions {
  static constexpr int kCurrentGpu = -1;

  Device kind = Device::automatic;
  int gpu = kCurrentGpu;  ///< CUDA's number; kCurrentGpu: the one that the calling thread uses.
  CudaDriver driver = CudaDriver::automatic;
  Precision precision = Precision::fp32;
  /// A stream and an allocator of the caller's (kernels/cuda/runtime/context.h), alive as long as
  /// the job; null: its own.
  const cuda::Context* context = nullptr;
};

struct Gpu {
  int index = 0;
  std::string name;
  int capability_major = 0;
  int capability_minor = 0;
  std::size_t memory_bytes = 0;

  std::string capability() const;  ///< "9.0"
};

/// What a job is computed on. Of a processor only `kind` is meant.
struct ComputeDevice {
  Device kind = Device::cpu;
  Gpu gpu;
  CudaDriver driver = CudaDriver::graph;
  std::string driver_reason;  ///< Why not the persistent one; empty where it is.
  Precision precision = Precision::fp32;
  std::size_t device_bytes = 0;  ///< That the job allocates on the GPU.
  std::size_t free_bytes = 0;    ///< Of the GPU, before that.
  bool resident = true;          ///< The data set lies on the GPU; else it streams through it.
};

/// "GPU 0: NVIDIA A100 (compute capability 8.0)" and so on, or "processor".
std::string device_text(const ComputeDevice& device);

/// The names of the command line's options.
const char* driver_name(CudaDriver driver);
const char* precision_name(Precision precision);

/// Whether this build can compute on a GPU at all.
bool has_cuda_backend();

/// The GPUs that this process sees.
struct GpuList {
  std::vector<Gpu> gpus;
  std::string why_none;  ///< Where it is empty.
};
GpuList find_gpus();

/// Throws Error{usage} for options that exclude each other, Error{device} where a GPU is asked for
/// that cannot be used. A GPU's memory is another matter, since it depends on the data.
void check_device(const DeviceOptions& options);

/// The options with Device::automatic settled where no GPU can be used at all: then the processor,
/// with one line in the log.
DeviceOptions settled_device(const DeviceOptions& options, const Callbacks& callbacks);

/// Scales genes on the GPU of the options, to the processor's bits; it declines where there is none
/// or its memory is short. Throws Error{device} where the GPU fails in the middle of it.
GeneScaler gene_scaler(const DeviceOptions& options);

/// The covariance of evaluation's principal components on the GPU of the options, in float64, with
/// the CUDA Toolkit's cuBLAS; it declines, and throws, as gene_scaler does. Why there is no GPU or
/// no cuBLAS is told once, in one line of the log.
GeneProducts gene_products_on(const DeviceOptions& options, const Callbacks& callbacks = {});

/// What results are finished with (paper, Section 2.9). Host memory that outlives the job.
struct ResultData {
  CsrView counts;
  std::span<const double> size_factors;     ///< [n_cells]
  std::span<const double> library_factors;  ///< [n_cells]
  const DropoutModel* dropout = nullptr;    ///< Null: no biozero probabilities.
  bool clamp = true;
  bool keep_observed = true;
};

/// Results that are finished on the GPU where the network lies. Both throw Error{device}.
class DeviceResults {
 public:
  virtual ~DeviceResults() = default;
  /// Cells [first_cell, first_cell + n_cells), which are among the data's, to host memory.
  virtual void compute(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out) = 0;
  /// To device memory, in the order of the stream; waits for it between blocks of cells.
  virtual void compute_on_device(std::int64_t first_cell, std::int64_t n_cells,
                                 const DenoisedBlock& out) = 0;
  virtual std::size_t device_bytes() const = 0;
};

struct DeviceBackend {
  std::unique_ptr<Backend> backend;
  ComputeDevice device;
  std::unique_ptr<DeviceResults> results;  ///< On a GPU, where asked for; not after the backend.
};

/// Copies counts that lie on the GPU of the options. Throws Error{device}.
CsrMatrix copy_to_host(const cuda::DeviceCsr& counts, const DeviceOptions& options);

/// Makes the backend of the device that the options ask for. It, and this, throw Error{device}
/// where the GPU cannot do the job or fails in the middle of it. Device::automatic falls back to
/// the processor with one line in the log; a job that has begun stays where it is. A GPU is the
/// calling thread's during each call of the backend only. `n_backends` like this one will live at
/// once, and all of them must fit into the GPU's memory. `results`, where not null, asks for
/// results that are finished on the GPU.
DeviceBackend make_backend(const ScaledData& data, const NetworkShape& shape,
                           const TrainingOptions& training, const DeviceOptions& options,
                           int n_threads, int n_backends, const Callbacks& callbacks,
                           const ResultData* results = nullptr);

/// Options that ask for the very device that was chosen, for a further backend of the same job.
DeviceOptions same_device(const DeviceOptions& options, const ComputeDevice& chosen);

}  // namespace maskclass
