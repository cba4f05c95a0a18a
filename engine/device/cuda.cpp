#include "engine/device/cuda.h"

#include <type_traits>
#include <utility>

#include "engine/device/cuda_calls.h"
#include "engine/device/range.h"
#include "kernels/cuda/cuda_backend.h"

namespace maskclass::gpu {
namespace {

Gpu gpu_of(const cuda::DeviceInfo& info) {
  return {info.index, info.name, info.capability_major, info.capability_minor, info.memory_bytes};
}

cuda::Driver driver_of(CudaDriver driver) {
  switch (driver) {
    case CudaDriver::automatic:
      return cuda::Driver::automatic;
    case CudaDriver::graph:
      return cuda::Driver::graph;
    case CudaDriver::persistent:
      return cuda::Driver::persistent;
  }
  throw std::logic_error("no such CUDA driver");
}

cuda::CudaOptions cuda_options(const DeviceOptions& options) {
  cuda::CudaOptions result;
  result.driver = driver_of(options.driver);
  result.precision =
      options.precision == Precision::tf32 ? cuda::Precision::tf32 : cuda::Precision::fp32;
  if (options.context != nullptr) result.context = *options.context;
  return result;
}

void check_current(const DeviceOptions& options) {
  cuda::check_capability();
  constexpr int kTensorCores = 8;
  const cuda::DeviceInfo info = cuda::current_device();
  if (options.precision == Precision::tf32 && info.capability_major < kTensorCores) {
    throw Unusable("--precision tf32 needs a GPU of compute capability 8.0 or newer, and GPU " +
                   std::to_string(info.index) + " (" + info.name + ") has " +
                   gpu_of(info).capability() + ": use --precision fp32");
  }
}

/// A single backend finds out by itself.
void check_memory(const ComputeDevice& device, int n_backends) {
  if (device.device_bytes <= device.free_bytes) return;
  const auto megabytes = [](std::size_t bytes) {
    return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
  };
  throw Unusable("the GPU's memory is short: the job needs " + megabytes(device.device_bytes) +
                 " for " + std::to_string(n_backends) + " networks with their data, and " +
                 megabytes(device.free_bytes) +
                 " are free: end other programs on the GPU, or denoise fewer genes");
}

/// A backend whose GPU is the calling thread's in each call, and whose errors are the engine's.
class GpuBackend final : public Backend {
 public:
  GpuBackend(std::unique_ptr<Backend> backend, int index)
      : backend_(std::move(backend)), index_(index) {}

  void set_parameters(const Parameters& parameters) override {
    run([&] { backend_->set_parameters(parameters); });
  }
  Parameters parameters() const override {
    return run([&] { return backend_->parameters(); });
  }
  OptimizerState optimizer_state() const override {
    return run([&] { return backend_->optimizer_state(); });
  }
  EpochLoss train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                        const BatchCallback& callback) override {
    return run([&] { return backend_->train_epoch(epoch, order, callback); });
  }
  void reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                   float* latent_out) override {
    run([&] { backend_->reconstruct(first_cell, n_cells, log2_out, latent_out); });
  }

 private:
  template <class Work>
  std::invoke_result_t<Work> run(const Work& work) const {
    return on_gpu(index_, work);
  }

  std::unique_ptr<Backend> backend_;
  int index_;
};

CudaDriver driver_of(cuda::Driver driver) {
  return driver == cuda::Driver::persistent ? CudaDriver::persistent : CudaDriver::graph;
}

}  // namespace

bool is_built() {
  return true;
}

std::vector<Gpu> find() {
  return setting_up([] {
    std::vector<Gpu> gpus;
    for (const cuda::DeviceInfo& info : cuda::devices()) gpus.push_back(gpu_of(info));
    return gpus;
  });
}

void check(const DeviceOptions& options) {
  setting_up([&] {
    const Scope scope(options);
    check_current(options);
  });
}

DeviceBackend make(const ScaledData& data, const NetworkShape& shape,
                   const TrainingOptions& training, const DeviceOptions& options, int n_backends,
                   const ResultData* results) {
  return setting_up([&] {
    const Scope scope(options);
    check_current(options);
    const cuda::CudaOptions chosen = cuda_options(options);
    const cuda::CudaPlan plan = cuda::plan_cuda(data, shape, training, chosen);
    DeviceBackend made;
    made.device.kind = Device::cuda;
    made.device.gpu = gpu_of(cuda::current_device());
    made.device.driver = driver_of(plan.driver);
    made.device.driver_reason = plan.driver_reason;
    made.device.precision = options.precision;
    made.device.device_bytes = plan.device_bytes * static_cast<std::size_t>(n_backends);
    made.device.free_bytes = plan.free_bytes;
    made.device.resident = plan.resident;
    if (n_backends > 1 && options.context == nullptr) check_memory(made.device, n_backends);
    auto network = cuda::make_cuda_backend(data, shape, training, chosen);
    if (results != nullptr) {
      made.results = make_results(*results, *network, made.device.gpu.index);
      if (made.results) made.device.device_bytes += made.results->device_bytes();
    }
    made.backend = std::make_unique<GpuBackend>(std::move(network), made.device.gpu.index);
    return made;
  });
}

}  // namespace maskclass::gpu

namespace maskclass {

ProfilerRange::ProfilerRange(const char* name) {
  nvtxRangePushA(name);
}

ProfilerRange::~ProfilerRange() {
  nvtxRangePop();
}

}  // namespace maskclass
