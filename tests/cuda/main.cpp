#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels/cuda/runtime/device.h"
#include "kernels/cuda/runtime/error.h"

/// 77 where there is no GPU: ctest then counts the test as skipped. A GPU that does not work is a
/// failure.
int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  using maskclass::cuda::Fault;
  try {
    maskclass::cuda::devices();
  } catch (const maskclass::cuda::DeviceError& error) {
    const bool is_absent = error.fault() == Fault::no_driver || error.fault() == Fault::no_device;
    std::printf("%s: %s\n", is_absent ? "skipped" : "failed", error.what());
    return is_absent ? kSkipped : 1;
  }
  return doctest::Context(argc, argv).run();
}
