#include "kernels/cuda/runtime/device.h"

#include <cuda_runtime_api.h>

#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

constexpr int kLeastMajor = 7;
constexpr int kLeastMinor = 5;

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

}  // namespace

std::vector<DeviceInfo> devices() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for GPUs");
  std::vector<DeviceInfo> found;
  for (int index = 0; index < count; ++index) found.push_back(info_of(index));
  return found;
}

DeviceInfo current_device() {
  int index = 0;
  check(cudaGetDevice(&index), "asking for the current GPU");
  return info_of(index);
}

void use_device(int index) {
  int count = 0;
  check(cudaGetDeviceCount(&count), "looking for GPUs");
  if (index < 0 || index >= count) {
    throw DeviceError(Fault::wrong_device, "there is no GPU " + std::to_string(index) +
                                               ": this process sees " + std::to_string(count) +
                                               ", numbered from 0 (maskclass info lists them)");
  }
  const DeviceInfo info = info_of(index);
  const bool old = info.capability_major < kLeastMajor ||
                   (info.capability_major == kLeastMajor && info.capability_minor < kLeastMinor);
  if (old) {
    throw DeviceError(Fault::capability, "GPU " + std::to_string(index) + " (" + info.name +
                                             ") has compute capability " +
                                             std::to_string(info.capability_major) + "." +
                                             std::to_string(info.capability_minor) +
                                             "; MaskClass needs 7.5 or newer: use --device cpu");
  }
  check(cudaSetDevice(index), "choosing a GPU");
}

}  // namespace maskclass::cuda
