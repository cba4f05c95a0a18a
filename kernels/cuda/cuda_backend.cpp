#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/memory/job_memory.h"
#include "kernels/cuda/runtime/nvtx.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/cuda/training/driver.h"

namespace maskclass::cuda {
namespace {

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

/// Bytes that a job may take: what is free but for a little that drivers keep for themselves, or
/// less where the caller says so.
std::size_t memory_limit(const CudaOptions& options) {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for the GPU's free memory");
  const std::size_t usable = free - free / 32;
  return options.memory_limit == 0 ? usable : std::min(usable, options.memory_limit);
}

JobSize size_of(const ScaledData& data, const NetworkShape& shape, const TrainingOptions& options) {
  return {data.n_cells, std::ssize(data.scaled), data.n_curves(), shape, options.batch_size};
}

JobSize size_of(const DeviceScaledData& data, const NetworkShape& shape,
                const TrainingOptions& options) {
  return {data.n_cells, data.n_nonzeros, data.n_curves, shape, options.batch_size};
}

/// A slot's side of the host: what runs it, and how far it is.
struct SlotWork {
  std::unique_ptr<StepDriver> driver;
  std::unique_ptr<PackedCells> packed;  ///< null where the data set is resident
  Event loaded;
  Event done;
};

class CudaBackend final : public CudaNetwork {
 public:
  /// Plans and allocates. `host` is null where the data set lies on the device.
  CudaBackend(const JobSize& size, const ScaledData* host, const TrainingOptions& options,
              const CudaOptions& cuda_options)
      : shape_(size.shape),
        options_(options),
        precision_(cuda_options.precision),
        context_(cuda_options.context),
        memory_(size, memory_limit(cuda_options)) {
    const DeviceInfo device = current_device();
    const DriverChoice choice =
        choose_driver(cuda_options.driver, shape_, options.batch_size, device);
    check_precision(precision_, device);
    prepare_step_kernels(shape_, device.shared_bytes_per_block);
    if (host == nullptr && !memory_.resident()) refuse_to_stream();
    if (context_.stream == nullptr) context_.stream = own_stream_.emplace().get();
    memory_.plan.allocate(context_);
    for (const auto& slot : memory_.slots) {
      slot->schedule.allocate_host();
      work_.push_back(std::make_unique<SlotWork>());
      work_.back()->driver =
          make_driver(choice.driver, step_of(*slot, options.batch_size), device, context_.stream);
    }
    if (host != nullptr) load(*host);
  }

  void load(const DeviceScaledData& data) { memory_.slots.front()->data.copy(data, context_); }

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
  void reconstruct_on_device(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                             float* latent_out) override;
  const NetworkShape& shape() const override { return shape_; }
  const Context& context() const override { return context_; }

 private:
  void load(const ScaledData& data);
  [[noreturn]] void refuse_to_stream() const;
  TrainingStep step_of(const DataSlot& slot, int batch_size) const;
  std::size_t cells_that_fit(std::span<const std::uint32_t> rows) const;
  std::vector<std::uint32_t> bring(std::size_t k, std::span<const std::uint32_t> rows);
  std::int64_t run_batches(StepDriver& driver, std::int64_t n_batches, std::int64_t before,
                           const BatchCallback& callback);
  void run_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                 const BatchCallback& callback, std::vector<BatchLoss>& losses);
  template <class Place, class Deliver>
  void infer(std::int64_t first_cell, std::int64_t n_cells, const Place& place,
             const Deliver& deliver);
  void copy_latent(float* latent_out, std::int64_t done, std::int64_t n, cudaMemcpyKind kind) const;

  NetworkShape shape_;
  TrainingOptions options_;
  Precision precision_;
  Context context_;
  std::optional<Stream> own_stream_;
  std::optional<Stream> copy_stream_;  ///< where the data set streams
  JobMemory memory_;
  std::vector<std::unique_ptr<SlotWork>> work_;  ///< one a slot
  ScaledData host_;                              ///< where the data set streams
  std::int64_t step_ = 0;
};

void CudaBackend::load(const ScaledData& data) {
  if (memory_.resident()) {
    memory_.slots.front()->data.copy(data, context_);
    return;
  }
  host_ = data;
  copy_stream_.emplace();
  for (std::size_t k = 0; k < work_.size(); ++k) {
    const DataSlot& slot = *memory_.slots[k];
    memory_.slots[k]->data.copy_genes(data, context_);
    work_[k]->packed = std::make_unique<PackedCells>(slot.most_cells, slot.most_nonzeros,
                                                     shape_.n_genes, data.n_curves());
  }
}

void CudaBackend::refuse_to_stream() const {
  throw DeviceError(Fault::memory,
                    "the GPU's memory is short: a data set that lies on the device must fit beside "
                    "the kernels' own form of it; free some memory, or give it in host memory");
}

TrainingStep CudaBackend::step_of(const DataSlot& slot, int batch_size) const {
  TrainingStep step;
  step.columns = slot.data.view();
  step.how = corruption_of(options_);
  step.wide = memory_.network.wide();
  step.trunk = memory_.network.trunk();
  step.exchange = memory_.exchange.view();
  step.schedule = slot.schedule.view();
  step.shape = shape_;
  step.batch_size = batch_size;
  step.precision = precision_;
  return step;
}

/// How many of the rows fit into a slot: all, or whole batches.
std::size_t CudaBackend::cells_that_fit(std::span<const std::uint32_t> rows) const {
  if (memory_.resident()) return rows.size();
  const DataSlot& slot = *memory_.slots.front();
  std::size_t n = 0;
  std::int64_t n_nonzeros = 0;
  while (n < rows.size() && static_cast<std::int64_t>(n) < slot.most_cells) {
    n_nonzeros += host_.indptr[rows[n] + 1] - host_.indptr[rows[n]];
    if (n_nonzeros > slot.most_nonzeros) break;
    ++n;
  }
  return n == rows.size() ? n : n - n % static_cast<std::size_t>(options_.batch_size);
}

/// Makes slot k hold the rows, and the stream wait until it does; returns where they are in it. A
/// slot that streams must be done with its last rows.
std::vector<std::uint32_t> CudaBackend::bring(std::size_t k, std::span<const std::uint32_t> rows) {
  if (memory_.resident()) return {rows.begin(), rows.end()};
  SlotWork& work = *work_[k];
  work.packed->pack(host_, rows);
  Context copying = context_;
  copying.stream = copy_stream_->get();
  memory_.slots[k]->data.copy(*work.packed, copying);
  work.loaded.record(copying.stream);
  work.loaded.make_wait(context_.stream);
  std::vector<std::uint32_t> places(rows.size());
  std::iota(places.begin(), places.end(), 0u);
  return places;
}

/// Keeps the device busy with a few launches ahead of the one whose end is reported. Returns the
/// batches that were launched, all of which run; fewer than n_batches where the callback said stop.
std::int64_t CudaBackend::run_batches(StepDriver& driver, std::int64_t n_batches,
                                      std::int64_t before, const BatchCallback& callback) {
  constexpr std::size_t kLaunchesAhead = 4;
  const std::int64_t steps_a_launch = driver.prepare(n_batches);
  std::deque<std::pair<Event, std::int64_t>> under_way;
  std::int64_t launched = 0;
  for (bool go_on = true; go_on && launched < n_batches;) {
    driver.launch(launched);
    launched = std::min(launched + steps_a_launch, n_batches);
    if (!callback) continue;
    under_way.emplace_back(std::piecewise_construct, std::tuple<>(), std::tuple(launched));
    under_way.back().first.record(context_.stream);
    if (under_way.size() <= kLaunchesAhead) continue;
    under_way.front().first.wait("training on the GPU");
    go_on = callback(before + under_way.front().second);
    under_way.pop_front();
  }
  return launched;
}

/// Part by part of the epoch, in turns through the slots: while the device trains on one, the host
/// packs the next. Appends the losses of the batches done.
void CudaBackend::run_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                            const BatchCallback& callback, std::vector<BatchLoss>& losses) {
  std::deque<std::size_t> under_way;  // slots, the oldest first
  const auto finish_oldest = [&] {
    const std::size_t k = under_way.front();
    under_way.pop_front();
    work_[k]->done.wait("training on the GPU");
    const auto done = memory_.slots[k]->schedule.losses();
    losses.insert(losses.end(), done.begin(), done.end());
  };
  std::int64_t batches_begun = 0;
  std::size_t k = 0;
  for (std::size_t first = 0; first < order.size();) {
    if (under_way.size() == work_.size()) {
      finish_oldest();
      if (callback && !callback(static_cast<std::int64_t>(losses.size()))) break;
    }
    const std::size_t n_cells = cells_that_fit(order.subspan(first));
    const std::vector<std::uint32_t> places = bring(k, order.subspan(first, n_cells));
    ScheduleMemory& schedule = memory_.slots[k]->schedule;
    memory_.slots[k]->start(epoch, places, options_, step_ + batches_begun + 1, context_);
    const auto n_batches =
        static_cast<std::int64_t>((n_cells + options_.batch_size - 1) / options_.batch_size);
    const std::int64_t launched =
        run_batches(*work_[k]->driver, n_batches, batches_begun, callback);
    schedule.fetch_losses(static_cast<std::size_t>(launched), context_);
    work_[k]->done.record(context_.stream);
    under_way.push_back(k);
    batches_begun += launched;
    if (launched < n_batches) break;
    first += n_cells;
    k = (k + 1) % work_.size();
  }
  while (!under_way.empty()) finish_oldest();
}

EpochLoss CudaBackend::train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                                   const BatchCallback& callback) {
  const Range range("train epoch");
  std::vector<BatchLoss> losses;
  try {
    run_epoch(epoch, order, callback, losses);
  } catch (...) {
    // The next use must not find the streams at work on this epoch.
    static_cast<void>(cudaStreamSynchronize(context_.stream));
    if (copy_stream_) static_cast<void>(cudaStreamSynchronize(copy_stream_->get()));
    throw;
  }
  EpochLoss loss;
  for (const BatchLoss& batch : losses) {
    loss.masked += batch.masked;
    loss.biozero += batch.biozero;
  }
  const auto n_done = static_cast<std::int64_t>(losses.size());
  loss.masked /= static_cast<double>(n_done);
  loss.biozero /= static_cast<double>(n_done);
  step_ += n_done;
  const auto n_batches =
      static_cast<std::int64_t>((order.size() + options_.batch_size - 1) / options_.batch_size);
  if (callback && n_done == n_batches) callback(n_batches);
  return loss;
}

/// Some cells at a time: place(done) says where on the device the log2 values of the cells after
/// the first `done` go, or null; deliver(done, n), once launched, takes what n cells left there
/// and, of the latent, in the exchange. Waits for the stream before each.
template <class Place, class Deliver>
void CudaBackend::infer(std::int64_t first_cell, std::int64_t n_cells, const Place& place,
                        const Deliver& deliver) {
  const Range range("reconstruct");
  DataSlot& slot = *memory_.slots.front();
  const TrainingStep step = step_of(slot, kInferenceCells);
  TrainingOptions one_batch = options_;
  one_batch.batch_size = kInferenceCells;
  std::vector<std::uint32_t> rows(kInferenceCells);
  for (std::int64_t done = 0; done < n_cells;) {
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first_cell + done));
    const auto wanted =
        std::span(rows).first(std::min<std::int64_t>(kInferenceCells, n_cells - done));
    const auto some = wanted.first(cells_that_fit(wanted));
    // Schedule and slot are read until here.
    synchronise(context_.stream, "reconstruction on the GPU");
    slot.start(0, bring(0, some), one_batch, 1, context_);
    const auto n = static_cast<std::int64_t>(some.size());
    launch_inference(step, static_cast<int>(n), place(done), context_.stream);
    deliver(done, n);
    done += n;
  }
}

void CudaBackend::reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                              float* latent_out) {
  constexpr const char* kWhat = "copying results from the GPU";
  const auto place = [&](std::int64_t) {
    return log2_out == nullptr ? nullptr : memory_.log2_out.data();
  };
  infer(first_cell, n_cells, place, [&](std::int64_t done, std::int64_t n) {
    if (log2_out != nullptr) {
      const std::size_t size = static_cast<std::size_t>(n) * shape_.n_genes;
      memory_.log2_out.download({log2_out + done * shape_.n_genes, size}, context_, kWhat);
    }
    copy_latent(latent_out, done, n, cudaMemcpyDeviceToHost);
  });
  synchronise(context_.stream, "reconstruction on the GPU");
}

void CudaBackend::reconstruct_on_device(std::int64_t first_cell, std::int64_t n_cells,
                                        float* log2_out, float* latent_out) {
  const auto place = [&](std::int64_t done) {
    return log2_out == nullptr ? nullptr : log2_out + done * shape_.n_genes;
  };
  infer(first_cell, n_cells, place, [&](std::int64_t done, std::int64_t n) {
    copy_latent(latent_out, done, n, cudaMemcpyDeviceToDevice);
  });
}

/// The latent of the n cells inferred last, after the first `done`; latent_out may be null.
void CudaBackend::copy_latent(float* latent_out, std::int64_t done, std::int64_t n,
                              cudaMemcpyKind kind) const {
  if (latent_out == nullptr) return;
  check(cudaMemcpyAsync(latent_out + done * shape_.latent, memory_.exchange.view().block_output[1],
                        static_cast<std::size_t>(n) * shape_.latent * sizeof(float), kind,
                        context_.stream),
        "copying the latent");
}

}  // namespace

std::unique_ptr<CudaNetwork> make_cuda_backend(const ScaledData& data, const NetworkShape& shape,
                                               const TrainingOptions& options,
                                               const CudaOptions& cuda_options) {
  return std::make_unique<CudaBackend>(size_of(data, shape, options), &data, options, cuda_options);
}

std::unique_ptr<CudaNetwork> make_cuda_backend(const DeviceScaledData& data,
                                               const NetworkShape& shape,
                                               const TrainingOptions& options,
                                               const CudaOptions& cuda_options) {
  auto backend =
      std::make_unique<CudaBackend>(size_of(data, shape, options), nullptr, options, cuda_options);
  backend->load(data);
  return backend;
}

CudaPlan plan_cuda(const ScaledData& data, const NetworkShape& shape,
                   const TrainingOptions& options, const CudaOptions& cuda_options) {
  CudaPlan plan;
  const JobMemory memory(size_of(data, shape, options), memory_limit(cuda_options));
  plan.device_bytes = memory.plan.bytes();
  plan.resident = memory.resident();
  std::size_t total = 0;
  check(cudaMemGetInfo(&plan.free_bytes, &total), "asking for the GPU's free memory");
  const DriverChoice choice =
      choose_driver(cuda_options.driver, shape, options.batch_size, current_device());
  plan.driver = choice.driver;
  plan.driver_reason = choice.reason;
  return plan;
}

}  // namespace maskclass::cuda
