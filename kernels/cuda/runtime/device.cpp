#include "kernels/cuda/runtime/device.h"

#include <cuda_runtime_api.h>

#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/probe.h"

namespace maskclass::cuda {
namespace {

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for a GPU's attributes");
  return value;
}

DeviceInfo info_of(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "asking for a GPU's properties");
  DeviceInfo info;
  info.index = index;
  info.name = properties.name;
  info.capability_major = properties.major;
  info.capability_minor = properties.minor;
  info.n_multiprocessors = properties.multiProcessorCount;
  info.memory_bytes = properties.totalGlobalMem;
  info.shared_bytes_per_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, index);
  info.shared_bytes_per_multiprocessor =
      attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, index);
  info.cooperative = attribute(cudaDevAttrCooperativeLaunch, index) != 0;
  return info;
}

int device_count() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for GPUs");
  return count;
}

int current_index() {
  int index = 0;
  check(cudaGetDevice(&index), "asking for the current GPU");
  return index;
}

}  // namespace

std::vector<DeviceInfo> devices() {
  const int count = device_count();
  if (count == 0) check(cudaErrorNoDevice, "looking for GPUs");
  std::vector<DeviceInfo> found;
  for (int index = 0; index < count; ++index) found.push_back(info_of(index));
  return found;
}

DeviceInfo current_device() {
  return info_of(current_index());
}

std::size_t free_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for the GPU's free memory");
  return free;
}

void check_capability() {
  constexpr int kLeast = 75;
  const DeviceInfo info = current_device();
  const bool is_too_old = 10 * info.capability_major + info.capability_minor < kLeast;
  if (!is_too_old && has_code_for_current_device()) return;
  throw DeviceError(Fault::capability,
                    "GPU " + std::to_string(info.index) + " (" + info.name +
                        ") has compute capability " + std::to_string(info.capability_major) + "." +
                        std::to_string(info.capability_minor) +
                        (is_too_old ? "; MaskClass needs 7.5 or newer"
                                    : ", for which this build has no code: build with "
                                      "-DCMAKE_CUDA_ARCHITECTURES=native on this machine"));
}

CurrentDevice::CurrentDevice(int index) : former_(current_index()) {
  const int count = device_count();
  if (index < 0 || index >= count) {
    throw DeviceError(Fault::wrong_device, "there is no GPU " + std::to_string(index) +
                                               ": this process sees " + std::to_string(count) +
                                               ", numbered from 0 (maskclass info lists them)");
  }
  check(cudaSetDevice(index), "choosing a GPU");
}

CurrentDevice::~CurrentDevice() {
  // Where the former one is gone, whoever uses it next is told.
  static_cast<void>(cudaSetDevice(former_));
}

}  // namespace maskclass::cuda
