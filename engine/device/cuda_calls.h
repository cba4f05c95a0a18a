#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "engine/device/cuda.h"
#include "engine/error.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/runtime/device.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/nvtx.h"
#include "kernels/cuda/runtime/stream.h"

/// How the engine calls the CUDA backend: on which GPU, and what becomes of its errors.
namespace maskclass::gpu {

/// Runs `work` before a job has begun.
template <class Work>
auto setting_up(const Work& work) {
  try {
    return work();
  } catch (const cuda::DeviceError& error) {
    throw Unusable(error.what());
  }
}

/// Runs `work` in the middle of a job, with GPU `index` as the calling thread's.
template <class Work>
std::invoke_result_t<Work> on_gpu(int index, const Work& work) {
  try {
    const cuda::CurrentDevice current(index);
    return work();
  } catch (const cuda::DeviceError& error) {
    throw Error(ErrorKind::device, std::string(error.what()) +
                                       "; nothing was written; --device cpu computes without it");
  }
}

/// The GPU of the options for the length of a scope; the thread's own where they name none.
class Scope {
 public:
  explicit Scope(const DeviceOptions& options) {
    if (options.gpu != DeviceOptions::kCurrentGpu) current_.emplace(options.gpu);
  }

 private:
  std::optional<cuda::CurrentDevice> current_;
};

/// The caller's stream and allocator where there are any, else a stream for the length of a scope.
class ScopedContext {
 public:
  explicit ScopedContext(const DeviceOptions& options) {
    if (options.context != nullptr) context_ = *options.context;
    if (context_.stream == nullptr) context_.stream = own_stream_.emplace().get();
  }

  const cuda::Context& get() const { return context_; }

 private:
  std::optional<cuda::Stream> own_stream_;
  cuda::Context context_;
};

/// Results of `network`, which outlives them, on GPU `index`, the calling thread's; null where its
/// memory is short, as it may be where a data set streams: the processor then finishes results.
/// Throws DeviceError.
std::unique_ptr<DeviceResults> make_results(const ResultData& data, cuda::CudaNetwork& network,
                                            int index);

}  // namespace maskclass::gpu
