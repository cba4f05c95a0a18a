#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/runtime/device.h"
#include "kernels/cuda/training/training_step.h"

namespace maskclass::cuda {

/// Runs the steps of an epoch that a schedule holds. Both drivers give the same bits.
class StepDriver {
 public:
  virtual ~StepDriver() = default;
  /// Steps that one launch runs, for an epoch of n_batches; captures what it needs.
  virtual std::int64_t prepare(std::int64_t n_batches) = 0;
  /// Launches the steps from `first` on, in order of the stream: as many as prepare() said, or as
  /// are left.
  virtual void launch(std::int64_t first) = 0;
};

/// Which driver serves, and why not the persistent one (else empty). Throws DeviceError{capability}
/// where the persistent one is asked for and not possible.
struct DriverChoice {
  Driver driver = Driver::graph;
  std::string reason;
};
DriverChoice choose_driver(Driver wanted, const NetworkShape& shape, int batch_size,
                           const DeviceInfo& device);

/// `driver` is not `automatic`; the step's memory must outlive the driver.
std::unique_ptr<StepDriver> make_driver(Driver driver, const TrainingStep& step,
                                        const DeviceInfo& device, cudaStream_t stream);

}  // namespace maskclass::cuda
