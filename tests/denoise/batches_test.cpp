#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "engine/biozero/dropout_groups.h"
#include "engine/biozero/moments.h"
#include "engine/denoise.h"
#include "engine/simulate/splat.h"

using namespace maskclass;

namespace {

/// 500 cells in two batches, of which the first loses far more.
simulate::Simulation two_batches() {
  simulate::SplatParameters parameters = simulate::scenario("batch");
  parameters.n_cells = 500;
  parameters.n_genes = 200;
  parameters.library_location = 9.3;  // about 55 counts a gene, as with the paper's 1,100 genes
  parameters.batch_proportions = {1, 1};
  parameters.dropout_midpoint = {4.0, 1.5};
  parameters.dropout_shape = {-1.1, -0.9};
  parameters.truth_without_batch_effects = false;
  return simulate::simulate(parameters, 7, 2);
}

DenoiseOptions options_of(BiozeroEstimator estimator) {
  DenoiseOptions options;
  options.preprocess.n_top_genes = 0;
  options.n_epochs = 1;
  options.biozero = estimator;
  options.n_threads = 2;
  return options;
}

/// A zero's probability of being biological, and whether it is.
struct Zero {
  float p;
  bool biological;
};

/// The zeros of each batch.
std::array<std::vector<Zero>, 2> zeros_of(const simulate::Simulation& simulation,
                                          const DenoiseOptions& options) {
  Denoiser denoiser(simulation.counts.view(), options);
  std::vector<float> biozero(denoiser.n_cells() * denoiser.n_genes());
  denoiser.compute(0, denoiser.n_cells(), {.biozero = biozero.data()});
  const Preprocessed& input = denoiser.input();
  const CsrMatrix truth = select(simulation.true_counts.view(), input.cells, input.genes, 2);
  std::array<std::vector<Zero>, 2> zeros;
  for (std::int64_t cell = 0; cell < denoiser.n_cells(); ++cell) {
    std::vector<char> observed(denoiser.n_genes(), 0);
    std::vector<char> expressed(denoiser.n_genes(), 0);
    for (const std::int32_t gene : input.counts.view().row_indices(cell)) observed[gene] = 1;
    for (const std::int32_t gene : truth.view().row_indices(cell)) expressed[gene] = 1;
    for (std::int64_t gene = 0; gene < denoiser.n_genes(); ++gene) {
      if (observed[gene] != 0) continue;
      zeros[simulation.generator.batch[input.cells[cell]]].push_back(
          {biozero[cell * denoiser.n_genes() + gene], expressed[gene] == 0});
    }
  }
  return zeros;
}

/// The probability that a biological zero has a larger p than another (the area under the curve).
double area(std::vector<Zero> zeros) {
  std::sort(zeros.begin(), zeros.end(), [](const Zero& a, const Zero& b) { return a.p < b.p; });
  double below = 0;
  double pairs = 0;
  double n_biological = 0;
  for (const Zero& zero : zeros) {
    if (zero.biological) {
      pairs += below;
      ++n_biological;
    } else {
      ++below;
    }
  }
  return pairs / (below * n_biological);
}

/// What the probabilities add up to, over how many are biological.
double expected_to_true(const std::vector<Zero>& zeros) {
  double expected = 0;
  double biological = 0;
  for (const Zero& zero : zeros) {
    expected += static_cast<double>(zero.p);
    biological += zero.biological ? 1 : 0;
  }
  return expected / biological;
}

/// Means over the zeros of both batches: (p - y)^2, and -ln of the probability of what is true.
struct Scores {
  double brier = 0;
  double log_score = 0;
};
Scores scores(const std::array<std::vector<Zero>, 2>& zeros) {
  Scores sum;
  double n = 0;
  for (const std::vector<Zero>& batch : zeros) {
    for (const Zero& zero : batch) {
      const double of_truth =
          zero.biological ? static_cast<double>(zero.p) : 1.0 - static_cast<double>(zero.p);
      sum.brier += (1 - of_truth) * (1 - of_truth);
      sum.log_score -= std::log(std::max(of_truth, 1e-12));
      ++n;
    }
  }
  return {sum.brier / n, sum.log_score / n};
}

/// The share of zeros in a batch that the model expects less the share observed.
double zero_rate_error(const CsrView& counts, const std::vector<double>& factors,
                       const std::vector<std::int32_t>& batch_of, std::int32_t batch,
                       const DropoutModel& model) {
  double difference = 0;
  double n_entries = 0;
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    if (batch_of[cell] != batch) continue;
    n_entries += static_cast<double>(counts.n_genes);
    difference += static_cast<double>(counts.row_indices(cell).size());
    difference -= static_cast<double>(counts.n_genes);
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
      const double mu = factors[cell] * model.mean[gene];
      const double phi = model.dispersion[gene];
      const double dropped = mu > 0 ? 1 / (1 + std::exp(model.b * std::log(mu) - model.a)) : 1;
      difference += dropped + (1 - dropped) * std::pow(1 + phi * mu, -1 / phi);
    }
  }
  return difference / n_entries;
}

}  // namespace

TEST_CASE("moments: a curve for each batch explains its zeros, where one for all does in neither") {
  const simulate::Simulation simulation = two_batches();
  const CsrView counts = simulation.counts.view();
  const std::vector<std::int32_t> batch_of = simulation.generator.batch;
  std::vector<double> factors(500, 0.0);
  for (std::int64_t cell = 0; cell < 500; ++cell) {
    for (const float count : counts.row_values(cell)) factors[cell] += static_cast<double>(count);
  }
  std::vector<double> sorted = factors;
  std::nth_element(sorted.begin(), sorted.begin() + 250, sorted.end());
  for (double& factor : factors) factor /= sorted[250];
  const auto models = fit_moments_by_group(counts, factors, group_batches(batch_of), 2);
  const DropoutModel one = fit_moments(counts, factors, 2);
  // Heavier dropout, at any mean that matters.
  for (const double log_mean : {0.0, 2.0, 4.0}) {
    CHECK(models[0].a - models[0].b * log_mean > models[1].a - models[1].b * log_mean);
  }
  for (std::int32_t batch = 0; batch < 2; ++batch) {
    const double by_batch = zero_rate_error(counts, factors, batch_of, batch, models[batch]);
    const double of_one = zero_rate_error(counts, factors, batch_of, batch, one);
    MESSAGE("zeros expected - observed, batch " << batch << ": one curve " << of_one
                                                << ", by batch " << by_batch);
    CHECK(std::abs(by_batch) < 0.02);
    CHECK(std::abs(of_one) > 0.1);
  }
}

TEST_CASE("moments by batch ranks the zeros of each batch") {
  const simulate::Simulation simulation = two_batches();
  DenoiseOptions options = options_of(BiozeroEstimator::moments);
  const auto one = zeros_of(simulation, options);
  options.preprocess.batch_of = simulation.generator.batch;
  const auto by_batch = zeros_of(simulation, options);
  for (int batch = 0; batch < 2; ++batch) {
    MESSAGE("area under the curve, batch " << batch << ": one curve " << area(one[batch])
                                           << ", by batch " << area(by_batch[batch]));
    CHECK(area(by_batch[batch]) > 0.75);
  }
}

TEST_CASE(
    "calibrated: curves by batch are calibrated in each batch, where one curve is in neither") {
  const simulate::Simulation simulation = two_batches();
  DenoiseOptions options = options_of(BiozeroEstimator::calibrated);
  const auto one = zeros_of(simulation, options);
  options.preprocess.batch_of = simulation.generator.batch;
  const auto by_batch = zeros_of(simulation, options);
  for (int batch = 0; batch < 2; ++batch) {
    const double of_one = expected_to_true(one[batch]);
    const double ours = expected_to_true(by_batch[batch]);
    MESSAGE("expected / true biological zeros of batch " << batch << ": one curve " << of_one
                                                         << ", by batch " << ours);
    CHECK(std::abs(ours - 1) < std::abs(of_one - 1));
    CHECK(std::abs(ours - 1) < 0.2);
  }
  const Scores of_one = scores(one);
  const Scores ours = scores(by_batch);
  MESSAGE("one curve: Brier " << of_one.brier << ", log score " << of_one.log_score << "; by batch "
                              << ours.brier << ", " << ours.log_score);
  CHECK(ours.brier < of_one.brier);
  CHECK(ours.log_score < of_one.log_score);
}

TEST_CASE("all cells in one batch, or in batches too small for a curve: the bits of no batches") {
  const simulate::Simulation simulation = two_batches();
  const auto values_of = [&](const std::vector<std::int32_t>& batch_of) {
    DenoiseOptions options = options_of(BiozeroEstimator::moments);
    options.preprocess.batch_of = batch_of;
    Denoiser denoiser(simulation.counts.view(), options);
    denoiser.train();
    const std::size_t n = denoiser.n_cells() * denoiser.n_genes();
    std::vector<float> values(2 * n);
    denoiser.compute(0, denoiser.n_cells(), {.log2 = values.data(), .biozero = &values[n]});
    return values;
  };
  const std::vector<float> without = values_of({});
  CHECK(values_of(std::vector<std::int32_t>(500, 3)) == without);
  std::vector<std::int32_t> small(500);
  for (std::int32_t cell = 0; cell < 500; ++cell) small[cell] = cell / 10;
  CHECK(values_of(small) == without);
  CHECK(values_of(simulation.generator.batch) != without);
}

TEST_CASE("batches with curves of their own: the same bits for any number of threads") {
  const simulate::Simulation simulation = two_batches();
  std::vector<float> first;
  for (const int n_threads : {1, 2, 3}) {
    DenoiseOptions options = options_of(BiozeroEstimator::moments);
    options.preprocess.batch_of = simulation.generator.batch;
    options.n_threads = n_threads;
    Denoiser denoiser(simulation.counts.view(), options);
    denoiser.train();
    std::vector<float> values(denoiser.n_cells() * denoiser.n_genes());
    denoiser.compute(0, denoiser.n_cells(), {.log2 = values.data()});
    if (first.empty()) first = values;
    CHECK(values == first);
  }
}
