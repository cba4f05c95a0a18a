#include <doctest/doctest.h>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/runtime/device.h"
#include "tests/kernels/training_step_cases.h"

using namespace maskclass;
using namespace maskclass::test;

namespace {

MakeBackend maker(cuda::Driver driver, cuda::Precision precision = cuda::Precision::fp32,
                  std::size_t memory_limit = 0) {
  return [=](const ScaledData& data, const NetworkShape& shape, const TrainingOptions& options) {
    cuda::CudaOptions cuda_options;
    cuda_options.driver = driver;
    cuda_options.precision = precision;
    cuda_options.memory_limit = memory_limit;
    return cuda::make_cuda_backend(data, shape, options, cuda_options);
  };
}

/// The shapes that the persistent kernel takes.
const Shape kPersistentShapes[] = {
    {1, 1, 64, 32, 32}, {33, 26, 64, 32, 32}, {17, 70, 64, 32, 16}, {9, 33, 64, 32, 3}};

/// Both drivers, two epochs.
void check_same_bits(cuda::Precision precision) {
  const Shape shape{70, 200, 64, 32, 32};
  const MadeUpData made_up(shape.n_cells, shape.n_genes);
  const ScaledData data = made_up.view();
  const Parameters start = varied_weights(shape);
  const auto order = reversed_order(shape.n_cells);
  std::vector<Parameters> results;
  std::vector<EpochLoss> losses;
  for (const cuda::Driver driver : {cuda::Driver::graph, cuda::Driver::persistent}) {
    const auto backend = maker(driver, precision)(data, start.shape, options_for(shape, 1));
    backend->set_parameters(start);
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
      losses.push_back(backend->train_epoch(epoch, order, {}));
    }
    results.push_back(backend->parameters());
  }
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    CHECK(losses[epoch].masked == losses[2 + epoch].masked);
    CHECK(losses[epoch].biozero == losses[2 + epoch].biozero);
  }
  const auto graph = arrays_of(results[0]);
  const auto persistent = arrays_of(results[1]);
  for (std::size_t a = 0; a < graph.size(); ++a) CHECK(*graph[a] == *persistent[a]);
}

}  // namespace

TEST_CASE("graph: losses and gradients agree with the float64 reference") {
  check_losses_and_gradients(maker(cuda::Driver::graph));
}

TEST_CASE("persistent: losses and gradients agree with the float64 reference") {
  check_losses_and_gradients(maker(cuda::Driver::persistent), kPersistentShapes);
}

TEST_CASE("graph: weights after several batches agree with the float64 reference") {
  check_weights_after_several_batches(maker(cuda::Driver::graph));
}

TEST_CASE("persistent: weights after several batches agree with the float64 reference") {
  check_weights_after_several_batches(maker(cuda::Driver::persistent));
}

TEST_CASE("TF32: losses, gradients and weights agree as far as its operands do") {
  if (cuda::current_device().capability_major < 8) {
    MESSAGE("skipped: TF32 needs compute capability 8.0");
    return;
  }
  const auto graph = maker(cuda::Driver::graph, cuda::Precision::tf32);
  const auto persistent = maker(cuda::Driver::persistent, cuda::Precision::tf32);
  check_losses_and_gradients(graph, kShapes, kTf32Rounding);
  check_losses_and_gradients(persistent, kPersistentShapes, kTf32Rounding);
  check_weights_after_several_batches(graph, kTf32Rounding);
  check_weights_after_several_batches(persistent, kTf32Rounding);
}

TEST_CASE("reconstruction and latent agree with the float64 reference") {
  check_reconstruction(maker(cuda::Driver::graph));
}

TEST_CASE("an epoch stops where the callback says so, and passes its exception on") {
  check_callback(maker(cuda::Driver::graph), 400);
}

TEST_CASE("both drivers give the same bits, in either precision") {
  for (const cuda::Precision precision : {cuda::Precision::fp32, cuda::Precision::tf32}) {
    if (cuda::current_device().capability_major < 8 && precision == cuda::Precision::tf32) continue;
    check_same_bits(precision);
  }
}

TEST_CASE("a data set that streams through the device gives the same bits") {
  const Shape shape{150, 100, 64, 32, 32};
  const MadeUpData made_up(shape.n_cells, shape.n_genes, 0.6, 3);
  const ScaledData data = made_up.view();
  const Parameters start = varied_weights(shape);
  const auto order = reversed_order(shape.n_cells);
  // A limit that nothing fits in leaves slots of one batch each.
  constexpr std::size_t kOneBatchASlot = 1;
  const auto run = [&](cuda::Driver driver, std::size_t memory_limit) {
    const auto backend = maker(driver, cuda::Precision::fp32, memory_limit)(data, start.shape,
                                                                            options_for(shape, 1));
    backend->set_parameters(start);
    std::vector<float> values;
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
      const EpochLoss loss = backend->train_epoch(epoch, order, {});
      values.push_back(static_cast<float>(loss.masked));
      values.push_back(static_cast<float>(loss.biozero));
    }
    Parameters parameters = backend->parameters();
    for (const auto* array : arrays_of(parameters)) {
      values.insert(values.end(), array->begin(), array->end());
    }
    std::vector<float> log2(static_cast<std::size_t>(shape.n_cells) * shape.n_genes);
    std::vector<float> latent(static_cast<std::size_t>(shape.n_cells) * shape.latent);
    backend->reconstruct(0, shape.n_cells, log2.data(), latent.data());
    values.insert(values.end(), log2.begin(), log2.end());
    values.insert(values.end(), latent.begin(), latent.end());
    return values;
  };
  for (const cuda::Driver driver : {cuda::Driver::graph, cuda::Driver::persistent}) {
    CHECK(run(driver, kOneBatchASlot) == run(driver, 0));
  }
  check_callback(maker(cuda::Driver::graph, cuda::Precision::fp32, kOneBatchASlot), 400);
}
