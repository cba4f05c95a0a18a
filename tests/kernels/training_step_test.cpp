#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/training_step_cases.h"

using namespace maskclass;
using namespace maskclass::test;

namespace {

template <Schedule kSchedule>
std::unique_ptr<Backend> make_backend(const ScaledData& data, const NetworkShape& shape,
                                      const TrainingOptions& options) {
  TrainingOptions with_schedule = options;
  with_schedule.schedule = kSchedule;
  return cpu::make_cpu_backend(data, shape, with_schedule, 2);
}

}  // namespace

TEST_CASE("the reference's gradients are those of its loss") {
  const Shape shape{6, 9, 7, 4, 6};
  const test::MadeUpData made_up(shape.n_cells, shape.n_genes);
  const ScaledData data = made_up.view();
  const TrainingOptions options = options_for(shape, 1);
  const auto order = reversed_order(shape.n_cells);
  const auto batch = test::corrupt(data, order, 3, options);
  test::Network<double> network(varied_weights(shape));
  auto result = test::loss_and_gradient<double>(network, batch, 1.0);
  const auto arrays = test::arrays_of(network);
  const auto gradients = test::arrays_of(result.gradient);
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    for (std::size_t k = 0; k < arrays[a]->size(); ++k) {
      constexpr double kStep = 1e-5;
      double& weight = (*arrays[a])[k];
      const double value = weight;
      const auto loss_at = [&](double moved) {
        weight = moved;
        const auto moved_result = test::loss_and_gradient<double>(network, batch, 1.0);
        return moved_result.masked + moved_result.biozero;
      };
      const double slope = (loss_at(value + kStep) - loss_at(value - kStep)) / (2 * kStep);
      weight = value;
      // Truncation is of the order of the step's square, rounding 1e-16 / 1e-5.
      CHECK(std::abs(slope - (*gradients[a])[k]) <= 1e-8);
    }
  }
}

TEST_CASE("losses and gradients agree with the float64 reference") {
  check_losses_and_gradients(make_backend<Schedule::dense>);
  check_losses_and_gradients(make_backend<Schedule::sparse>);
}

TEST_CASE("weights after several batches agree with the float64 reference") {
  check_weights_after_several_batches(make_backend<Schedule::dense>);
  check_weights_after_several_batches(make_backend<Schedule::sparse>);
}

TEST_CASE("reconstruction and latent agree with the float64 reference") {
  check_reconstruction(make_backend<Schedule::dense>);
  check_reconstruction(make_backend<Schedule::sparse>);
}

TEST_CASE("the bits do not depend on the number of threads") {
  const Shape shape{70, 500, 64, 32, 32};  // three runs of slices, which threads share or cut
  const test::MadeUpData made_up(shape.n_cells, shape.n_genes);
  const ScaledData data = made_up.view();
  const Parameters start = varied_weights(shape);
  const auto order = reversed_order(shape.n_cells);
  for (const auto& [gamma, schedule] :
       {std::pair{1.0f, Schedule::dense}, {0.0f, Schedule::sparse}}) {
    TrainingOptions options = options_for(shape, gamma);
    options.schedule = schedule;
    std::vector<Parameters> results;
    std::vector<EpochLoss> losses;
    for (const int n_threads : {1, 2, 3, 4, 7}) {
      const auto backend = cpu::make_cpu_backend(data, start.shape, options, n_threads);
      backend->set_parameters(start);
      for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        losses.push_back(backend->train_epoch(epoch, order, {}));
      }
      results.push_back(backend->parameters());
    }
    for (std::size_t k = 1; k < results.size(); ++k) {
      for (std::size_t epoch = 0; epoch < 3; ++epoch) {
        CHECK(losses[3 * k + epoch].masked == losses[epoch].masked);
        CHECK(losses[3 * k + epoch].biozero == losses[epoch].biozero);
      }
      const auto first = test::arrays_of(results[0]);
      const auto other = test::arrays_of(results[k]);
      for (std::size_t a = 0; a < first.size(); ++a) CHECK(*first[a] == *other[a]);
    }
  }
}

TEST_CASE("an epoch stops where the callback says so, and passes its exception on") {
  check_callback(make_backend<Schedule::automatic>, 3000);
}
