#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/cuda/cuda_backend.h"
#include "planted_fault.h"
#include "tests/kernels/training_step_cases.h"

// planted_faults.py makes these from kernels/cuda, each with the switch of planted_fault.h.
namespace maskclass::test {
cudaError_t plant_in_columns(int fault);
cudaError_t plant_in_persistent_step(int fault);
cudaError_t plant_in_training_step(int fault);
}  // namespace maskclass::test

using namespace maskclass;
using namespace maskclass::test;

namespace {

/// Turns on the fault that the environment names; 0 is none.
void plant() {
  const char* fault = std::getenv("MASKCLASS_PLANTED_FAULT");
  REQUIRE(fault != nullptr);
  planted_on_host = std::atoi(fault);
  REQUIRE(plant_in_columns(planted_on_host) == cudaSuccess);
  REQUIRE(plant_in_persistent_step(planted_on_host) == cudaSuccess);
  REQUIRE(plant_in_training_step(planted_on_host) == cudaSuccess);
}

MakeBackend maker(cuda::Driver driver, std::size_t memory_limit = 0) {
  return [driver, memory_limit](const ScaledData& data, const NetworkShape& shape,
                                const TrainingOptions& options) {
    cuda::CudaOptions cuda_options;
    cuda_options.driver = driver;
    cuda_options.memory_limit = memory_limit;
    return cuda::make_cuda_backend(data, shape, options, cuda_options);
  };
}

}  // namespace

TEST_CASE("graph: an epoch of batches of two tiles") {
  plant();
  check_weights_after_several_batches(maker(cuda::Driver::graph), 1, {70, 75, 64, 32, 48});
}

TEST_CASE("persistent: an epoch of three batches") {
  plant();
  check_weights_after_several_batches(maker(cuda::Driver::persistent), 1, {70, 75, 64, 32, 32});
}

TEST_CASE("streaming: an epoch of batches that are brought one by one") {
  plant();
  constexpr std::size_t kOneBatchASlot = 1;
  check_weights_after_several_batches(maker(cuda::Driver::graph, kOneBatchASlot), 1,
                                      {70, 75, 64, 32, 16});
}
