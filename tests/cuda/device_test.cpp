#include <doctest/doctest.h>

#include "kernels/cuda/runtime/device.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/nvtx.h"
#include "tests/cuda/add_one.h"
#include "tests/cuda/caught.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::test::check_throws;

TEST_CASE("the GPUs and what the backend needs to know of them") {
  const std::vector<DeviceInfo> all = devices();
  REQUIRE(!all.empty());
  for (std::size_t k = 0; k < all.size(); ++k) {
    CHECK(all[k].index == static_cast<int>(k));
    CHECK(!all[k].name.empty());
    CHECK(all[k].capability_major > 0);
    CHECK(all[k].n_multiprocessors > 0);
    CHECK(all[k].memory_bytes > 0);
    CHECK(all[k].shared_bytes_per_block >= 48 * 1024);
    CHECK(all[k].shared_bytes_per_multiprocessor >= all[k].shared_bytes_per_block);
  }
  CHECK_NOTHROW(check_capability());
}

TEST_CASE("a GPU is the thread's for the length of a scope") {
  const int before = current_device().index;
  const int last = devices().back().index;
  {
    const CurrentDevice current(last);
    CHECK(current_device().index == last);
  }
  CHECK(current_device().index == before);
  for (const int index : {-1, last + 1}) {
    check_throws(Fault::wrong_device, {std::to_string(index), "maskclass info"},
                 [&] { const CurrentDevice none(index); });
  }
  CHECK(current_device().index == before);
}

TEST_CASE("return codes become errors that a caller can act on") {
  CHECK_NOTHROW(check(cudaSuccess, "work"));
  const std::pair<cudaError_t, Fault> codes[] = {
      {cudaErrorSystemDriverMismatch, Fault::broken_driver},
      {cudaErrorInvalidDevice, Fault::wrong_device},
      {cudaErrorDevicesUnavailable, Fault::busy},
      {cudaErrorNoKernelImageForDevice, Fault::capability},
      {cudaErrorMemoryAllocation, Fault::memory},
      {cudaErrorLaunchTimeout, Fault::time_limit},
      {cudaErrorECCUncorrectable, Fault::lost},
      {cudaErrorUnknown, Fault::lost},
      {cudaErrorIllegalAddress, Fault::failed},
      {cudaErrorLaunchFailure, Fault::failed},
  };
  for (const auto& [code, fault] : codes) {
    check_throws(fault, {cudaGetErrorName(code)},
                 [code = code] { check(code, "copying the counts to the GPU"); });
  }
  check_throws(Fault::failed, {"CUDA: copying the counts", "illegal memory access", "report"},
               [] { check(cudaErrorIllegalAddress, "copying the counts"); });
  check_throws(Fault::no_device, {"no GPU that this process may use", "CUDA_VISIBLE_DEVICES"},
               [] { check(cudaErrorNoDevice, "work"); });
  // The driver of a machine on which this runs is not older than the runtime.
  check_throws(Fault::old_driver, {"the NVIDIA driver supports CUDA ", "update"},
               [] { check(cudaErrorInsufficientDriver, "work"); });
}

TEST_CASE("a refused launch is reported with the kernel's name, and once") {
  check_throws(Fault::failed, {"add_one_kernel", "cudaErrorInvalidConfiguration"},
               [] { test::launch_too_many_threads(nullptr); });
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("ranges of a profiler nest") {
  const Range outer("outer");
  const Range inner("inner");
}
