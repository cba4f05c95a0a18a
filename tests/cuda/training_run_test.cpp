#include <doctest/doctest.h>

#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cuda/cuda_backend.h"
#include "tests/kernels/training_step_cases.h"

using namespace maskclass;
using namespace maskclass::test;

namespace {

/// The paper's network, batch and options for ten epochs of five batches, the last one smaller.
constexpr Shape kShape{150, 200, 64, 32, 32};
constexpr std::uint32_t kEpochs = 10;

/// What a training leaves: the losses of its epochs and its parameters.
template <class AnyNetwork>
struct Trained {
  std::vector<double> losses[2];  ///< masked, biozero: [kEpochs]
  AnyNetwork network;
};

/// The order of the cells in an epoch: another each time.
std::vector<std::uint32_t> order_of(std::uint32_t epoch) {
  std::vector<std::uint32_t> order(kShape.n_cells);
  for (std::size_t k = 0; k < order.size(); ++k) {
    order[k] = static_cast<std::uint32_t>((7 * k + std::size_t{11} * epoch) % order.size());
  }
  return order;
}

Trained<Parameters> train(Backend& backend, const Parameters& start) {
  std::vector<double> masked, biozero;
  backend.set_parameters(start);
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const EpochLoss loss = backend.train_epoch(epoch, order_of(epoch), {});
    masked.push_back(loss.masked);
    biozero.push_back(loss.biozero);
  }
  return {{masked, biozero}, backend.parameters()};
}

/// The same job by the reference in float64.
Trained<Network<double>> train_exactly(const ScaledData& data, const TrainingOptions& options,
                                       const Parameters& start) {
  Trained<Network<double>> result;
  result.network = Network<double>(start);
  Adam<double> adam(result.network);
  for (std::uint32_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<std::uint32_t> order = order_of(epoch);
    double losses[2] = {};
    double n_batches = 0;
    for (std::size_t first = 0; first < order.size(); first += kShape.batch_size) {
      const auto rows = std::span(order).subspan(
          first, std::min<std::size_t>(kShape.batch_size, order.size() - first));
      auto step = loss_and_gradient<double>(result.network, corrupt(data, rows, epoch, options),
                                            static_cast<double>(options.biozero_weight));
      losses[0] += step.masked;
      losses[1] += step.biozero;
      ++n_batches;
      adam.update(result.network, step.gradient, options);
    }
    for (int term = 0; term < 2; ++term) result.losses[term].push_back(losses[term] / n_batches);
  }
  return result;
}

void check_same_bits(Trained<Parameters>& a, Trained<Parameters>& b) {
  for (int term = 0; term < 2; ++term) CHECK(a.losses[term] == b.losses[term]);
  const auto a_arrays = arrays_of(a.network);
  const auto b_arrays = arrays_of(b.network);
  for (std::size_t k = 0; k < a_arrays.size(); ++k) CHECK(*a_arrays[k] == *b_arrays[k]);
}

/// The device is as near to the CPU as four times what float32 makes of the job on the CPU.
void check_near(Trained<Parameters>& device, Trained<Parameters>& cpu,
                Trained<Network<double>>& exact) {
  for (int term = 0; term < 2; ++term) {
    CAPTURE(term);
    CHECK(largest_difference(device.losses[term], cpu.losses[term]) <=
          4 * largest_difference(cpu.losses[term], exact.losses[term]));
  }
  const auto device_arrays = arrays_of(device.network);
  const auto cpu_arrays = arrays_of(cpu.network);
  const auto exact_arrays = arrays_of(exact.network);
  for (std::size_t k = 0; k < device_arrays.size(); ++k) {
    CAPTURE(k);
    CHECK(largest_difference(*device_arrays[k], *cpu_arrays[k]) <=
          4 * largest_difference(*cpu_arrays[k], *exact_arrays[k]));
  }
}

}  // namespace

TEST_CASE("fifty steps: both drivers give the same bits, and those of the CPU to rounding") {
  const MadeUpData made_up(kShape.n_cells, kShape.n_genes);
  const ScaledData data = made_up.view();
  const Parameters start = initial_weights({kShape.n_genes, kShape.hidden, kShape.latent}, 5);
  for (const float gamma : {1.0f, 0.0f}) {
    CAPTURE(gamma);
    TrainingOptions options;  // the paper's
    options.biozero_weight = gamma;
    options.seed = 42;
    std::vector<Trained<Parameters>> device;
    for (const cuda::Driver driver : {cuda::Driver::graph, cuda::Driver::persistent}) {
      cuda::CudaOptions cuda_options;
      cuda_options.driver = driver;
      device.push_back(
          train(*cuda::make_cuda_backend(data, start.shape, options, cuda_options), start));
    }
    auto cpu = train(*cpu::make_cpu_backend(data, start.shape, options, 1), start);
    auto exact = train_exactly(data, options, start);
    check_same_bits(device[0], device[1]);
    check_near(device[0], cpu, exact);
  }
}

TEST_CASE("a NaN is a difference, wherever it lies") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> zeros(3, 0.0);
  for (std::size_t at = 0; at < zeros.size(); ++at) {
    std::vector<double> values = zeros;
    values[at] = kNan;
    CHECK_FALSE(largest_difference(values, zeros) <= 1);
    CHECK_FALSE(largest_difference(zeros, values) <= 1);
  }
}
