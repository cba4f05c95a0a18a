#include "engine/device/device.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/device/cuda.h"
#include "engine/error.h"
#include "engine/threads.h"
#include "kernels/cpu/cpu_backend.h"

namespace maskclass {
namespace {

constexpr const char* kOnProcessor = "computing on the processor: ";

Error device_error(const std::string& reason) {
  return {ErrorKind::device, reason + "; --device cpu computes without a GPU"};
}

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f MB", static_cast<double>(bytes) * 1e-6);
  return text;
}

std::string plan_text(const ComputeDevice& device) {
  return device_text(device) + ": " + megabytes(device.device_bytes) + " of its " +
         megabytes(device.free_bytes) + " of free memory, " +
         (device.resident ? "" : "the data set streams through it, ") + driver_name(device.driver) +
         " driver, " + precision_name(device.precision);
}

/// What `work` gives, or nothing where no GPU can be used and none was asked for; tell(why) then.
template <class Work, class Tell>
std::invoke_result_t<Work> where_usable(const DeviceOptions& options, const Work& work,
                                        const Tell& tell) {
  try {
    return work();
  } catch (const gpu::Unusable& error) {
    if (options.kind == Device::cuda) throw device_error(error.what());
    tell(error.what());
    return std::nullopt;
  }
}

}  // namespace

std::string Gpu::capability() const {
  return std::to_string(capability_major) + "." + std::to_string(capability_minor);
}

std::string device_text(const ComputeDevice& device) {
  if (device.kind == Device::cpu) return "processor";
  return "GPU " + std::to_string(device.gpu.index) + ": " + device.gpu.name +
         " (compute capability " + device.gpu.capability() + ")";
}

const char* driver_name(CudaDriver driver) {
  switch (driver) {
    case CudaDriver::automatic:
      return "auto";
    case CudaDriver::graph:
      return "graph";
    case CudaDriver::persistent:
      return "persistent";
  }
  return "";
}

const char* precision_name(Precision precision) {
  return precision == Precision::tf32 ? "tf32" : "fp32";
}

bool has_cuda_backend() {
  return gpu::is_built();
}

GpuList find_gpus() {
  try {
    return {gpu::find(), ""};
  } catch (const gpu::Unusable& error) {
    return {{}, error.what()};
  }
}

void check_device(const DeviceOptions& options) {
  if (options.kind == Device::cpu) {
    if (options.driver != CudaDriver::automatic) {
      throw usage_error("--cuda-driver is for GPUs, but --device is cpu");
    }
    if (options.precision != Precision::fp32) {
      throw usage_error("--precision tf32 is for GPUs, but --device is cpu");
    }
  }
  if (options.kind != Device::cuda) return;
  try {
    gpu::check(options);
  } catch (const gpu::Unusable& error) {
    throw device_error(error.what());
  }
}

DeviceOptions settled_device(const DeviceOptions& options, const Callbacks& callbacks) {
  if (options.kind != Device::automatic || !gpu::is_built()) return options;
  try {
    gpu::check(options);
    return options;
  } catch (const gpu::Unusable& error) {
    log_line(callbacks, std::string(kOnProcessor) + error.what());
    DeviceOptions processor = options;
    processor.kind = Device::cpu;
    return processor;
  }
}

GeneScaler gene_scaler(const DeviceOptions& options) {
  if (options.kind == Device::cpu || !gpu::is_built()) return {};
  return [options](const CsrView& counts, std::span<const double> size_factors,
                   const Winsorising& quantiles) {
    return where_usable(
        options, [&] { return gpu::scale_genes(counts, size_factors, quantiles, options); },
        [](const std::string&) {});
  };
}

GeneProducts gene_products_on(const DeviceOptions& options, const Callbacks& callbacks) {
  if (options.kind == Device::cpu || !gpu::is_built()) return {};
  return [options, callbacks, told = std::make_shared<bool>(false)](const CellBlocks& blocks,
                                                                    std::span<const double> means) {
    return where_usable(
        options, [&] { return gpu::gene_products(blocks, means, options); },
        [&](const std::string& why) {
          if (!std::exchange(*told, true)) log_line(callbacks, kOnProcessor + why);
        });
  };
}

CsrMatrix copy_to_host(const cuda::DeviceCsr& counts, const DeviceOptions& options) {
  try {
    return gpu::copy_to_host(counts, options);
  } catch (const gpu::Unusable& error) {
    throw device_error(error.what());
  }
}

DeviceBackend make_backend(const ScaledData& data, const NetworkShape& shape,
                           const TrainingOptions& training, const DeviceOptions& options,
                           int n_threads, int n_backends, const Callbacks& callbacks,
                           const ResultData* results) {
  const bool may_be_gpu =
      options.kind == Device::cuda || (options.kind == Device::automatic && gpu::is_built());
  if (may_be_gpu) {
    try {
      DeviceBackend made = gpu::make(data, shape, training, options, n_backends, results);
      log_line(callbacks, plan_text(made.device));
      return made;
    } catch (const gpu::Unusable& error) {
      if (options.kind == Device::cuda) throw device_error(error.what());
      log_line(callbacks, std::string(kOnProcessor) + error.what());
    }
  }
  return {cpu::make_cpu_backend(data, shape, training, n_threads, default_thread_count()), {}, {}};
}

DeviceOptions same_device(const DeviceOptions& options, const ComputeDevice& chosen) {
  DeviceOptions same = options;
  same.kind = chosen.kind;
  if (chosen.kind == Device::cuda) same.gpu = chosen.gpu.index;
  return same;
}

}  // namespace maskclass
