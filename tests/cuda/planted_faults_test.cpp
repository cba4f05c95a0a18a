#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/cuda/cuda_backend.h"
#include "planted_fault.h"
#include "tests/kernels/training_step_cases.h"

// planted_faults.py makes these from kernels/cuda, each with the switch of planted_fault.h.
namespace maskclass::test {
cudaError_t plant_in_biozero_posterior(int fault);
cudaError_t plant_in_columns(int fault);
cudaError_t plant_in_finish(int fault);
cudaError_t plant_in_gene_products(int fault);
cudaError_t plant_in_gene_scaling(int fault);
cudaError_t plant_in_library_sizes(int fault);
cudaError_t plant_in_linear_norm_silu(int fault);
cudaError_t plant_in_masked_loss(int fault);
cudaError_t plant_in_normalise(int fault);
cudaError_t plant_in_persistent_step(int fault);
cudaError_t plant_in_training_step(int fault);
}  // namespace maskclass::test

using namespace maskclass;
using namespace maskclass::test;

namespace {

/// Turns on the fault that the environment names, before each test; 0 is none.
struct Plant : doctest::IReporter {
  explicit Plant(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData&) override {
    const char* fault = std::getenv("MASKCLASS_PLANTED_FAULT");
    REQUIRE(fault != nullptr);
    planted_on_host = std::atoi(fault);
    for (const auto plant : {plant_in_biozero_posterior, plant_in_columns, plant_in_finish,
                             plant_in_gene_products, plant_in_gene_scaling, plant_in_library_sizes,
                             plant_in_linear_norm_silu, plant_in_masked_loss, plant_in_normalise,
                             plant_in_persistent_step, plant_in_training_step}) {
      REQUIRE(plant(planted_on_host) == cudaSuccess);
    }
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void report_query(const doctest::QueryData&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("plant", 1, Plant);

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
  check_weights_after_several_batches(maker(cuda::Driver::graph), 1, {70, 75, 64, 32, 48});
}

TEST_CASE("persistent: an epoch of three batches") {
  check_weights_after_several_batches(maker(cuda::Driver::persistent), 1, {70, 75, 64, 32, 32});
}

TEST_CASE("streaming: an epoch of batches that are brought one by one") {
  constexpr std::size_t kOneBatchASlot = 1;
  check_weights_after_several_batches(maker(cuda::Driver::graph, kOneBatchASlot), 1,
                                      {70, 75, 64, 32, 16});
}
