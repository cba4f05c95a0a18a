#include "kernels/cuda/training/driver.h"

#include <algorithm>

#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/cuda/training/persistent_step.h"

namespace maskclass::cuda {
namespace {

/// Replays a captured graph of many steps; the host does nothing between them.
class GraphDriver final : public StepDriver {
 public:
  GraphDriver(const TrainingStep& step, cudaStream_t stream) : step_(step), stream_(stream) {}

  std::int64_t prepare(std::int64_t n_batches) override {
    // Equal graphs, so that few of the last one's steps lie beyond the epoch's end.
    constexpr std::int64_t kMostSteps = 32;
    const std::int64_t n_launches = (n_batches + kMostSteps - 1) / kMostSteps;
    const std::int64_t n_steps = (n_batches + n_launches - 1) / n_launches;
    if (!graph_ || n_steps != n_steps_) {
      graph_ = Graph(stream_, [&](cudaStream_t stream) {
        for (std::int64_t k = 0; k < n_steps; ++k) launch_step(step_, stream);
      });
      n_steps_ = n_steps;
    }
    return n_steps_;
  }

  void launch(std::int64_t /*first*/) override { graph_.launch(stream_, "the training graph"); }

 private:
  TrainingStep step_;
  cudaStream_t stream_;
  Graph graph_;
  std::int64_t n_steps_ = 0;
};

/// One cooperative kernel for many steps.
class PersistentDriver final : public StepDriver {
 public:
  PersistentDriver(const TrainingStep& step, const PersistentPlan& plan, cudaStream_t stream)
      : step_(step), plan_(plan), stream_(stream) {}

  std::int64_t prepare(std::int64_t n_batches) override {
    // Some 20 ms, so that the caller can report and stop; loading the weights is a small part.
    constexpr std::int64_t kMostSteps = 1024;
    n_batches_ = n_batches;
    n_steps_ = std::min(n_batches, kMostSteps);
    return n_steps_;
  }

  void launch(std::int64_t first) override {
    launch_persistent(step_, plan_, static_cast<std::uint32_t>(first),
                      static_cast<std::uint32_t>(std::min(n_steps_, n_batches_ - first)), stream_);
  }

 private:
  TrainingStep step_;
  PersistentPlan plan_;
  cudaStream_t stream_;
  std::int64_t n_batches_ = 0;
  std::int64_t n_steps_ = 0;
};

}  // namespace

DriverChoice choose_driver(Driver wanted, const NetworkShape& shape, int batch_size,
                           const DeviceInfo& device) {
  const PersistentPlan plan = plan_persistent(shape, batch_size, device);
  if (wanted == Driver::persistent && !plan.possible()) {
    throw DeviceError(Fault::capability, plan.reason + ": use --cuda-driver graph");
  }
  if (wanted == Driver::graph) return {Driver::graph, "as asked"};
  if (plan.possible()) return {Driver::persistent, ""};
  return {Driver::graph, plan.reason};
}

std::unique_ptr<StepDriver> make_driver(Driver driver, const TrainingStep& step,
                                        const DeviceInfo& device, cudaStream_t stream) {
  if (driver == Driver::graph) return std::make_unique<GraphDriver>(step, stream);
  return std::make_unique<PersistentDriver>(
      step, plan_persistent(step.shape, step.batch_size, device), stream);
}

}  // namespace maskclass::cuda
