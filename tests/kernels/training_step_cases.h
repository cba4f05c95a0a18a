#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <string>

#include "engine/model/initial_weights.h"
#include "kernels/backend.h"
#include "tests/kernels/made_up_data.h"
#include "tests/kernels/reference_network.h"

/// What every backend has to do, against the reference in float64: each test of a backend calls
/// these with the function that makes it.
namespace maskclass::test {

using MakeBackend = std::function<std::unique_ptr<Backend>(
    const ScaledData& data, const NetworkShape& shape, const TrainingOptions& options)>;

struct Shape {
  std::int64_t n_cells;
  std::int32_t n_genes;
  std::int32_t hidden;
  std::int32_t latent;
  std::int32_t batch_size;
};

/// One cell, one gene, widths that are no multiple of a vector, a last batch of one cell, more
/// slices than one, slices wider than the smallest, and the paper's widths.
inline const Shape kShapes[] = {{1, 1, 1, 1, 32},     {1, 5, 3, 2, 1},       {5, 1, 4, 3, 2},
                                {33, 26, 64, 32, 32}, {17, 24, 16, 16, 16},  {40, 50, 20, 7, 13},
                                {7, 25, 65, 33, 48},  {50, 101, 64, 32, 50}, {6, 1600, 8, 5, 4}};

inline std::string text_of(const Shape& shape) {
  return std::to_string(shape.n_cells) + " cells, " + std::to_string(shape.n_genes) + " genes, " +
         std::to_string(shape.hidden) + "-" + std::to_string(shape.latent) + ", batch " +
         std::to_string(shape.batch_size);
}

inline TrainingOptions options_for(const Shape& shape, float gamma) {
  TrainingOptions options;
  options.batch_size = shape.batch_size;
  options.biozero_weight = gamma;
  options.mask_zero = 0.25f;  // more masked zeros than the paper's, to see them in small data
  options.learning_rate = 1e-3;
  options.seed = 0x123456789abcdefull;
  return options;
}

/// Weights whose gains and shifts differ from their starting values.
inline Parameters varied_weights(const Shape& shape) {
  Parameters parameters = initial_weights({shape.n_genes, shape.hidden, shape.latent}, 5);
  for (auto& block : parameters.blocks) {
    for (std::size_t k = 0; k < block.gain.size(); ++k) {
      block.gain[k] = 0.75f + 0.0625f * static_cast<float>(k % 9);
      block.shift[k] = 0.03125f * static_cast<float>(k % 7) - 0.09375f;
    }
  }
  return parameters;
}

/// Runs the reference in type T for one epoch of batches.
template <typename T>
struct ReferenceRun {
  test::Network<T> network;
  test::Adam<T> adam;
  test::Network<T> last_gradient;
  double masked = 0;
  double biozero = 0;

  ReferenceRun(const ScaledData& data, const Parameters& start, const TrainingOptions& options,
               std::span<const std::uint32_t> order)
      : network(start), adam(network) {
    double n_batches = 0;
    for (std::size_t first = 0; first < order.size(); first += options.batch_size) {
      const auto rows =
          order.subspan(first, std::min<std::size_t>(options.batch_size, order.size() - first));
      auto result = test::loss_and_gradient<T>(network, test::corrupt(data, rows, 3, options),
                                               static_cast<T>(options.biozero_weight));
      masked += static_cast<double>(result.masked);
      biozero += static_cast<double>(result.biozero);
      adam.update(network, result.gradient, options);
      last_gradient = result.gradient;
      ++n_batches;
    }
    masked /= n_batches;
    biozero /= n_batches;
  }
};

/// The largest distance between two entries at the same place; NaN where there is one, so that no
/// bound holds.
template <typename A, typename B>
double largest_difference(const A& a, const B& b) {
  double largest = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    const double difference = std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k]));
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

inline double largest_value(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

/// The largest difference between the float32 and the float64 reference in any array, relative to
/// the array's largest value: what rounding alone makes of the result. At least one rounding.
template <typename A, typename B>
double relative_rounding(A& single, B& exact) {
  const auto exact_arrays = test::arrays_of(exact);
  const auto single_arrays = test::arrays_of(single);
  double relative = 0x1p-23;
  for (std::size_t a = 0; a < exact_arrays.size(); ++a) {
    const double largest = largest_value(*exact_arrays[a]);
    if (largest == 0) continue;
    relative =
        std::max(relative, largest_difference(*single_arrays[a], *exact_arrays[a]) / largest);
  }
  return relative;
}

/// Each entry may differ from the float64 reference by `tolerance` times its array's largest value.
template <typename A, typename B>
void check_arrays(A& ours, B& exact, double tolerance) {
  const auto our_arrays = test::arrays_of(ours);
  const auto exact_arrays = test::arrays_of(exact);
  for (std::size_t a = 0; a < our_arrays.size(); ++a) {
    CAPTURE(a);
    const double bound = tolerance * largest_value(*exact_arrays[a]);
    CHECK(largest_difference(*our_arrays[a], *exact_arrays[a]) <= bound);
  }
}

/// Whether a loss is as near to the truth as four times another float32 calculation and a rounding,
/// `scale` times.
inline bool is_near(double ours, double truth, double other, double scale = 1) {
  return std::abs(ours - truth) <=
         scale * (4 * std::abs(other - truth) + std::abs(truth) * 0x1p-22);
}

inline std::vector<std::uint32_t> reversed_order(std::int64_t n_cells) {
  std::vector<std::uint32_t> order(n_cells);
  std::iota(order.rbegin(), order.rend(), 0);
  return order;
}

/// What TF32 makes of rounding: its unit roundoff is 2^-11, float32's 2^-24. Its operands are
/// rounded where float32 rounds the product and the sum, so the error bound scales with it.
inline constexpr double kTf32Rounding = 0x1p13;

/// Losses and gradients agree with the float64 reference; `scale` is the unit roundoff of products
/// over float32's.
inline void check_losses_and_gradients(const MakeBackend& make_backend,
                                       std::span<const Shape> shapes = kShapes, double scale = 1) {
  constexpr float kGammas[] = {0.0f, 1.0f, 0.5f};
  for (const Shape& shape : shapes) {
    const std::string text = text_of(shape);
    CAPTURE(text);
    const test::MadeUpData made_up(shape.n_cells, shape.n_genes);
    const ScaledData data = made_up.view();
    const Parameters start = varied_weights(shape);
    const auto order = reversed_order(shape.n_cells);
    const auto one_batch = std::span<const std::uint32_t>(order).first(
        std::min<std::size_t>(shape.batch_size, order.size()));

    // Rounding errors are random: the worst of three losses stands for a shape.
    double rounding = 0;
    for (const float gamma : kGammas) {
      const TrainingOptions options = options_for(shape, gamma);
      ReferenceRun<double> exact(data, start, options, one_batch);
      ReferenceRun<float> single(data, start, options, one_batch);
      rounding = std::max(rounding, relative_rounding(single.last_gradient, exact.last_gradient));
    }
    for (const float gamma : kGammas) {
      CAPTURE(gamma);
      const TrainingOptions options = options_for(shape, gamma);
      const auto backend = make_backend(data, start.shape, options);

      // One batch: Adam's first moment is then (1 - beta1) times the gradient.
      ReferenceRun<double> exact(data, start, options, one_batch);
      ReferenceRun<float> single(data, start, options, one_batch);
      backend->set_parameters(start);
      EpochLoss loss = backend->train_epoch(3, one_batch, {});
      Parameters moment = backend->optimizer_state().first_moment;
      for (auto* array : test::arrays_of(moment)) {
        for (float& value : *array) value /= static_cast<float>(1 - options.beta1);
      }
      check_arrays(moment, exact.last_gradient, 4 * scale * rounding);
      CHECK(is_near(loss.masked, exact.masked, single.masked, scale));
      CHECK(is_near(loss.biozero, exact.biozero, single.biozero, scale));

      // All batches, the last one smaller: the losses. Weights are compared below: here Adam turns
      // a gradient that is zero but for rounding into a whole step.
      ReferenceRun<double> exact_epoch(data, start, options, order);
      ReferenceRun<float> single_epoch(data, start, options, order);
      backend->set_parameters(start);
      loss = backend->train_epoch(3, order, {});
      CHECK(is_near(loss.masked, exact_epoch.masked, single_epoch.masked, scale));
      CHECK(is_near(loss.biozero, exact_epoch.biozero, single_epoch.biozero, scale));
    }
  }
}

/// Losses, weights and moments after an epoch of several batches agree with the float64 reference;
/// `scale` as above.
inline void check_weights_after_several_batches(const MakeBackend& make_backend, double scale = 1,
                                                const Shape& shape = {70, 75, 64, 32, 32}) {
  // A large epsilon keeps the update smooth in the gradient, so that rounding stays rounding.
  const test::MadeUpData made_up(shape.n_cells, shape.n_genes, 0.6, 3);
  const ScaledData data = made_up.view();
  const Parameters start = varied_weights(shape);
  const auto order = reversed_order(shape.n_cells);
  for (const float gamma : {1.0f, 0.0f}) {
    CAPTURE(gamma);
    TrainingOptions options = options_for(shape, gamma);
    options.epsilon = 1e-3;
    ReferenceRun<double> exact(data, start, options, order);
    ReferenceRun<float> single(data, start, options, order);
    const auto backend = make_backend(data, start.shape, options);
    backend->set_parameters(start);
    const EpochLoss loss = backend->train_epoch(3, order, {});
    CHECK(is_near(loss.masked, exact.masked, single.masked, scale));
    CHECK(is_near(loss.biozero, exact.biozero, single.biozero, scale));
    Parameters ours = backend->parameters();
    check_arrays(ours, exact.network, 4 * scale * relative_rounding(single.network, exact.network));
    OptimizerState state = backend->optimizer_state();
    CHECK(state.step == (shape.n_cells + shape.batch_size - 1) / shape.batch_size);
    check_arrays(state.first_moment, exact.adam.first,
                 4 * scale * relative_rounding(single.adam.first, exact.adam.first));
    check_arrays(state.second_moment, exact.adam.second,
                 4 * scale * relative_rounding(single.adam.second, exact.adam.second));
  }
}

/// Reconstruction and latent agree with the float64 reference.
inline void check_reconstruction(const MakeBackend& make_backend,
                                 std::span<const Shape> shapes = kShapes) {
  for (const Shape& shape : shapes) {
    const std::string text = text_of(shape);
    CAPTURE(text);
    const test::MadeUpData made_up(shape.n_cells, shape.n_genes);
    const ScaledData data = made_up.view();
    const Parameters parameters = varied_weights(shape);
    const auto backend = make_backend(data, parameters.shape, options_for(shape, 1));
    backend->set_parameters(parameters);
    const std::int64_t first = shape.n_cells / 3;
    const std::int64_t n_cells = shape.n_cells - first;
    std::vector<float> log2(n_cells * shape.n_genes), latent(n_cells * shape.latent);
    backend->reconstruct(first, n_cells, log2.data(), latent.data());

    // Nothing is masked where both probabilities are 0.
    TrainingOptions none = options_for(shape, 0);
    none.mask_zero = 0;
    none.mask_nonzero = 0;
    std::vector<std::uint32_t> rows(n_cells);
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    const auto batch = test::corrupt(data, rows, 0, none);
    const auto run = [&](auto zero) {
      using T = decltype(zero);
      const std::vector<T> input(batch.input.begin(), batch.input.end());
      test::BlockTrace<T> traces[3];
      std::vector<T> out = test::apply<T>(test::Network<T>(parameters), input, n_cells, traces);
      for (std::size_t k = 0; k < out.size(); ++k) {
        const GeneScaling& gene = data.genes[k % shape.n_genes];
        out[k] = (out[k] + 1) * static_cast<T>(gene.from_scaled) + static_cast<T>(gene.low);
      }
      return std::pair(out, traces[1].output);
    };
    const auto [exact_log2, exact_latent] = run(0.0);
    const auto [single_log2, single_latent] = run(0.0f);
    const auto check = [](const auto& ours, const auto& exact, const auto& single) {
      CHECK(largest_difference(ours, exact) <=
            4 * largest_difference(single, exact) + largest_value(exact) * 0x1p-22);
    };
    check(log2, exact_log2, single_log2);
    check(latent, exact_latent, single_latent);
  }
}

/// An epoch stops where the callback says so, and passes its exception on.
inline void check_callback(const MakeBackend& make_backend, std::int64_t n_cells) {
  const test::MadeUpData made_up(n_cells, 60);
  const ScaledData data = made_up.view();
  const Shape shape{n_cells, 60, 64, 32, 1};
  const auto backend = make_backend(data, {60, 64, 32}, options_for(shape, 1));
  backend->set_parameters(varied_weights(shape));
  const auto order = reversed_order(n_cells);
  std::int64_t stopped_after = 0;
  backend->train_epoch(0, order, [&](std::int64_t batches) {
    stopped_after = batches;
    return false;
  });
  CHECK(stopped_after < n_cells);
  struct Stop {};
  CHECK_THROWS_AS(backend->train_epoch(0, order, [](std::int64_t) -> bool { throw Stop(); }), Stop);
}

}  // namespace maskclass::test
