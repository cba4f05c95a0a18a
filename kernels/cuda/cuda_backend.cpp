#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/data_memory.h"
#include "kernels/cuda/driver.h"
#include "kernels/cuda/network_memory.h"
#include "kernels/cuda/runtime/nvtx.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/cuda/step_memory.h"

namespace maskclass::cuda {
namespace {

/// Cells that inference works on at a time.
constexpr int kInferenceCells = 256;

std::uint64_t limit_of(double probability) {
  return static_cast<std::uint64_t>(std::floor(probability * 4294967296.0));
}

Corruption corruption_of(const TrainingOptions& options) {
  return {options.seed,
          limit_of(options.mask_nonzero),
          limit_of(static_cast<double>(options.mask_zero)),
          options.mask_zero,
          options.noise,
          options.zero_weight,
          options.nonzero_weight,
          options.biozero_weight};
}

void check_precision(Precision precision, const DeviceInfo& device) {
  if (precision == Precision::fp32 || device.capability_major >= 8) return;
  throw DeviceError(Fault::capability,
                    "TF32 needs compute capability 8.0; GPU " + std::to_string(device.index) +
                        " (" + device.name + ") has " + std::to_string(device.capability_major) +
                        "." + std::to_string(device.capability_minor) + ": use --precision fp32");
}

/// All memory of a job on the device, planned before any is allocated.
struct JobMemory {
  JobMemory(std::int64_t n_cells, std::int64_t n_nonzeros, const NetworkShape& shape,
            const TrainingOptions& options)
      : data(n_cells, n_nonzeros, shape.n_genes, plan),
        network(shape, plan),
        exchange(shape, std::max(options.batch_size, kInferenceCells), plan),
        schedule(std::max<std::int64_t>(n_cells, kInferenceCells),
                 (n_cells + options.batch_size - 1) / options.batch_size + 1, plan) {
    plan.add(log2_out, "reconstructed values",
             static_cast<std::size_t>(kInferenceCells) * shape.n_genes);
  }

  MemoryPlan plan;
  DataMemory data;
  NetworkMemory network;
  ExchangeMemory exchange;
  ScheduleMemory schedule;
  DeviceArray<float> log2_out;
};

class CudaBackend final : public Backend {
 public:
  /// Plans and allocates; load() copies the data set.
  CudaBackend(std::int64_t n_cells, std::int64_t n_nonzeros, const NetworkShape& shape,
              const TrainingOptions& options, const CudaOptions& cuda_options)
      : shape_(shape),
        options_(options),
        precision_(cuda_options.precision),
        context_(cuda_options.context),
        memory_(n_cells, n_nonzeros, shape, options) {
    const DeviceInfo device = current_device();
    const DriverChoice choice =
        choose_driver(cuda_options.driver, shape, options.batch_size, device);
    check_precision(cuda_options.precision, device);
    prepare_step_kernels(shape, device.shared_bytes_per_block);
    if (context_.stream == nullptr) context_.stream = own_stream_.emplace().get();
    memory_.plan.allocate(context_);
    driver_ = make_driver(choice.driver, step_of(options.batch_size), device, context_.stream);
  }

  template <class Data>
  void load(const Data& data) {
    memory_.data.copy(data, context_);
  }

  void set_parameters(const Parameters& parameters) override {
    if (parameters.shape != shape_) throw std::invalid_argument("parameters of another network");
    memory_.network.upload(parameters, context_);
    step_ = 0;
  }

  Parameters parameters() const override {
    return memory_.network.download(&TrainedArray::value, context_);
  }

  OptimizerState optimizer_state() const override {
    return {memory_.network.download(&TrainedArray::first_moment, context_),
            memory_.network.download(&TrainedArray::second_moment, context_), step_};
  }

  EpochLoss train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                        const BatchCallback& callback) override;

  void reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                   float* latent_out) override;

 private:
  TrainingStep step_of(int batch_size) const;
  std::int64_t run_batches(std::int64_t n_batches, const BatchCallback& callback);

  NetworkShape shape_;
  TrainingOptions options_;
  Precision precision_;
  Context context_;
  std::optional<Stream> own_stream_;
  JobMemory memory_;
  std::unique_ptr<StepDriver> driver_;
  std::int64_t step_ = 0;
};

TrainingStep CudaBackend::step_of(int batch_size) const {
  TrainingStep step;
  step.columns = memory_.data.view();
  step.how = corruption_of(options_);
  step.wide = memory_.network.wide();
  step.trunk = memory_.network.trunk();
  step.exchange = memory_.exchange.view();
  step.schedule = memory_.schedule.view();
  step.shape = shape_;
  step.batch_size = batch_size;
  step.most_cells = batch_size;
  step.precision = precision_;
  return step;
}

/// Keeps the device busy with a few launches ahead of the one whose end is reported. Returns the
/// batches that were launched, all of which run.
std::int64_t CudaBackend::run_batches(std::int64_t n_batches, const BatchCallback& callback) {
  constexpr std::size_t kLaunchesAhead = 4;
  const std::int64_t steps_a_launch = driver_->prepare(n_batches);
  std::deque<std::pair<Event, std::int64_t>> under_way;
  std::int64_t launched = 0;
  for (bool go_on = true; go_on && launched < n_batches;) {
    driver_->launch(launched);
    launched = std::min(launched + steps_a_launch, n_batches);
    if (!callback) continue;
    under_way.emplace_back(std::piecewise_construct, std::tuple<>(), std::tuple(launched));
    under_way.back().first.record(context_.stream);
    if (under_way.size() <= kLaunchesAhead) continue;
    under_way.front().first.wait("training on the GPU");
    go_on = callback(under_way.front().second);
    under_way.pop_front();
  }
  return launched;
}

EpochLoss CudaBackend::train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                                   const BatchCallback& callback) {
  const Range range("train epoch");
  const std::int64_t n_batches =
      (static_cast<std::int64_t>(order.size()) + options_.batch_size - 1) / options_.batch_size;
  memory_.schedule.start(epoch, order, options_, step_ + 1, context_);
  std::int64_t n_done = 0;
  try {
    n_done = run_batches(n_batches, callback);
  } catch (...) {
    // The next use must not find the stream at work on this epoch.
    static_cast<void>(cudaStreamSynchronize(context_.stream));
    throw;
  }
  EpochLoss loss;
  for (const BatchLoss& batch :
       memory_.schedule.losses(static_cast<std::size_t>(n_done), context_)) {
    loss.masked += batch.masked;
    loss.biozero += batch.biozero;
  }
  loss.masked /= static_cast<double>(n_done);
  loss.biozero /= static_cast<double>(n_done);
  step_ += n_done;
  if (callback && n_done == n_batches) callback(n_batches);
  return loss;
}

void CudaBackend::reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                              float* latent_out) {
  const Range range("reconstruct");
  const TrainingStep step = step_of(kInferenceCells);
  std::vector<std::uint32_t> rows(kInferenceCells);
  TrainingOptions one_batch = options_;
  one_batch.batch_size = kInferenceCells;
  constexpr const char* kWhat = "copying results from the GPU";
  for (std::int64_t done = 0; done < n_cells; done += kInferenceCells) {
    const auto n = static_cast<int>(std::min<std::int64_t>(kInferenceCells, n_cells - done));
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first_cell + done));
    memory_.schedule.start(0, std::span(rows).first(n), one_batch, 1, context_);
    float* out = log2_out == nullptr ? nullptr : memory_.log2_out.data();
    launch_inference(step, n, out, context_.stream);
    if (log2_out != nullptr) {
      const std::size_t size = static_cast<std::size_t>(n) * shape_.n_genes;
      memory_.log2_out.download({log2_out + done * shape_.n_genes, size}, context_, kWhat);
    }
    if (latent_out != nullptr) {
      check(cudaMemcpyAsync(latent_out + done * shape_.latent, step.exchange.block_output[1],
                            static_cast<std::size_t>(n) * shape_.latent * sizeof(float),
                            cudaMemcpyDeviceToHost, context_.stream),
            kWhat);
    }
    synchronise(context_.stream, "reconstruction on the GPU");
  }
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const ScaledData& data, const NetworkShape& shape,
                                           const TrainingOptions& options,
                                           const CudaOptions& cuda_options) {
  auto backend = std::make_unique<CudaBackend>(
      data.n_cells, static_cast<std::int64_t>(data.scaled.size()), shape, options, cuda_options);
  backend->load(data);
  return backend;
}

std::unique_ptr<Backend> make_cuda_backend(const DeviceScaledData& data, const NetworkShape& shape,
                                           const TrainingOptions& options,
                                           const CudaOptions& cuda_options) {
  auto backend =
      std::make_unique<CudaBackend>(data.n_cells, data.n_nonzeros, shape, options, cuda_options);
  backend->load(data);
  return backend;
}

CudaPlan plan_cuda(std::int64_t n_cells, std::int64_t n_nonzeros, const NetworkShape& shape,
                   const TrainingOptions& options, const CudaOptions& cuda_options) {
  CudaPlan plan;
  const JobMemory memory(n_cells, n_nonzeros, shape, options);
  plan.device_bytes = memory.plan.bytes();
  std::size_t total = 0;
  check(cudaMemGetInfo(&plan.free_bytes, &total), "asking for the GPU's free memory");
  const DriverChoice choice =
      choose_driver(cuda_options.driver, shape, options.batch_size, current_device());
  plan.driver = choice.driver;
  plan.driver_reason = choice.reason;
  return plan;
}

}  // namespace maskclass::cuda
