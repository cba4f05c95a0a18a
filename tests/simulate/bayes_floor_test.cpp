#include "engine/simulate/bayes_floor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/simulate/splat.h"
#include "engine/simulate/truth_posterior.h"

namespace {

using namespace maskclass;
using namespace maskclass::simulate;

std::vector<std::int32_t> all_genes(std::int64_t n) {
  std::vector<std::int32_t> genes(n);
  std::iota(genes.begin(), genes.end(), 0);
  return genes;
}

Simulation simulate_small(const std::string& name, BatchTruth truth, std::uint64_t seed) {
  SplatParameters parameters = scenario(name);
  parameters.n_cells = 600;
  parameters.n_genes = 160;
  parameters.library_location = 9;  // 50 counts a gene, as with 1,100 genes and the default
  parameters.batch_truth = truth;
  return simulate::simulate(parameters, seed, 2);
}

/// The zeros of a simulation with what is known about them and what is true.
struct Zeros {
  std::vector<PosteriorMoments> posterior;
  std::vector<double> truth;
};

Zeros zeros_of(const Simulation& simulation) {
  const std::int64_t n_genes = simulation.counts.n_genes;
  const std::int64_t n_cells = simulation.counts.n_cells;
  const std::vector<std::int32_t> genes = all_genes(n_genes);
  const std::vector<double> scales = truth_scales(simulation.true_counts.view(), genes, 2);
  const TruthPosterior posterior(simulation.generator, scales, genes, 2);
  std::vector<PosteriorMoments> moments(n_cells * n_genes);
  posterior.block(0, n_cells, moments.data(), 2);
  Zeros zeros;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    std::vector<double> counts(n_genes), truth(n_genes);
    const auto fill = [&](const CsrView& matrix, std::vector<double>& row) {
      for (std::size_t k = 0; k < matrix.row_indices(cell).size(); ++k) {
        row[matrix.row_indices(cell)[k]] = matrix.row_values(cell)[k];
      }
    };
    fill(simulation.counts.view(), counts);
    fill(simulation.true_counts.view(), truth);
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      if (counts[gene] != 0) continue;
      zeros.posterior.push_back(moments[cell * n_genes + gene]);
      zeros.truth.push_back(std::log2(1 + truth[gene] * scales[cell]));
    }
  }
  return zeros;
}

struct Case {
  std::string scenario;
  BatchTruth truth;
};
const std::vector<Case> kCases{{"unequal", BatchTruth::coupled},
                               {"rare", BatchTruth::coupled},
                               {"batch", BatchTruth::coupled},
                               {"batch", BatchTruth::independent}};

}  // namespace

TEST_CASE("interpolation changes the posterior by less than 1e-3 of its deviation") {
  for (const Case& c : kCases) {
    CAPTURE(c.scenario);
    const Simulation simulation = simulate_small(c.scenario, c.truth, 21);
    const std::vector<std::int32_t> genes = all_genes(160);
    const std::vector<double> scales = truth_scales(simulation.true_counts.view(), genes, 2);
    const TruthPosterior posterior(simulation.generator, scales, genes, 2);
    std::vector<PosteriorMoments> row(160);
    for (std::int64_t cell = 0; cell < 600; cell += 97) {
      posterior.block(cell, 1, row.data(), 1);
      for (std::int64_t gene = 0; gene < 160; gene += 7) {
        const PosteriorMoments exact =
            posterior.exact(simulation.generator, cell, gene, scales[cell]);
        const double deviation = std::sqrt(exact.variance) + 1e-3;
        CHECK(std::abs(row[gene].mean - exact.mean) < 1e-3 * deviation);
        CHECK(std::abs(row[gene].variance - exact.variance) < 1e-3 * deviation * deviation);
        CHECK(std::abs(row[gene].zero_probability - exact.zero_probability) < 1e-3);
      }
    }
  }
}

TEST_CASE("the posterior mean achieves the floor on simulated data, and is calibrated") {
  for (const Case& c : kCases) {
    CAPTURE(c.scenario);
    const Simulation simulation = simulate_small(c.scenario, c.truth, 22);
    const Zeros zeros = zeros_of(simulation);
    REQUIRE(zeros.truth.size() > 10000);
    double error = 0, expected = 0, squares = 0, surplus = 0, surplus_variance = 0, brier = 0;
    for (std::size_t k = 0; k < zeros.truth.size(); ++k) {
      const PosteriorMoments& at = zeros.posterior[k];
      const double squared = std::pow(zeros.truth[k] - at.mean, 2);
      error += squared;
      expected += at.variance;
      squares += std::pow(squared - at.variance, 2);
      surplus += (zeros.truth[k] == 0) - at.zero_probability;
      brier += std::pow((zeros.truth[k] == 0) - at.zero_probability, 2);
      surplus_variance += at.zero_probability * (1 - at.zero_probability);
    }
    CHECK(std::abs(error - expected) < 4 * std::sqrt(squares));
    CHECK(std::abs(surplus) < 4 * std::sqrt(surplus_variance));

    const std::vector<std::int32_t> genes = all_genes(160);
    const BayesFloor floor = bayes_floor(simulation.generator, simulation.counts.view(),
                                         simulation.true_counts.view(), genes, genes, 2);
    CHECK(floor.n_entries == 600 * 160);
    CHECK(floor.n_zeros == std::ssize(zeros.truth));
    CHECK(floor.zeros == doctest::Approx(expected / (600 * 160)).epsilon(1e-9));
    const auto n_zeros = static_cast<double>(zeros.truth.size());
    CHECK(floor.brier == doctest::Approx(brier / n_zeros).epsilon(1e-9));
  }
}

TEST_CASE("no perturbation of the posterior mean does better") {
  for (const Case& c : kCases) {
    CAPTURE(c.scenario);
    const Zeros zeros = zeros_of(simulate_small(c.scenario, c.truth, 23));
    const auto error = [&](const auto& estimate) {
      double sum = 0;
      for (std::size_t k = 0; k < zeros.truth.size(); ++k) {
        sum += std::pow(zeros.truth[k] - estimate(zeros.posterior[k]), 2);
      }
      return sum;
    };
    const double best = error([](const PosteriorMoments& at) { return at.mean; });
    CHECK(best < error([](const PosteriorMoments& at) { return 1.05 * at.mean; }));
    CHECK(best < error([](const PosteriorMoments& at) { return 0.95 * at.mean; }));
    CHECK(best < error([](const PosteriorMoments& at) { return at.mean + 0.03; }));
    CHECK(best < error([](const PosteriorMoments& at) { return at.mean - 0.03; }));
    CHECK(best < error([](const PosteriorMoments& at) {
            return at.mean * (1 + 0.1 * (at.zero_probability - 0.2));
          }));
  }
}

TEST_CASE("the non-zeros' part is their squared error, known by hand") {
  // Without dropout the truth is what was observed, and a zero is known to be one.
  SplatParameters parameters = scenario("equal");
  parameters.dropout_type = DropoutType::none;
  parameters.n_cells = 40;
  parameters.n_genes = 20;
  parameters.library_location = 6;
  const Simulation simulation = simulate::simulate(parameters, 24, 1);
  const std::vector<std::int32_t> genes = all_genes(20);
  const BayesFloor floor = bayes_floor(simulation.generator, simulation.counts.view(),
                                       simulation.true_counts.view(), genes, genes, 1);
  CHECK(floor.zeros == 0);
  CHECK(floor.nonzeros == 0);

  // One gene counted in two cells, so that the libraries are its counts.
  Simulation two = simulation;
  two.generator = select_cells(two.generator, std::vector<std::int64_t>{0, 1});
  for (CsrMatrix* matrix : {&two.counts, &two.true_counts}) {
    matrix->n_cells = 2;
    matrix->indptr = {0, 1, 2};
    matrix->indices = {3, 3};
    matrix->values = {1, 1};
  }
  two.counts.values = {1, 7};
  // Medians 4 and 1: x = log2(1 + 4) and x* = log2(1 + 1) in both cells.
  const BayesFloor known =
      bayes_floor(two.generator, two.counts.view(), two.true_counts.view(), genes, genes, 1);
  const double error = std::log2(5.0) - 1;
  CHECK(known.nonzeros == doctest::Approx(2 * error * error / 40).epsilon(1e-12));
}

TEST_CASE("the floor's bytes do not depend on the number of threads") {
  SplatParameters parameters = scenario("batch");
  parameters.n_cells = 150;
  parameters.n_genes = 60;
  parameters.library_location = 8;
  parameters.dropout_midpoint = {1.5};  // so that no cell loses all its counts
  const Simulation simulation = simulate::simulate(parameters, 25, 2);
  const std::vector<std::int32_t> genes = all_genes(60);
  const auto floor = [&](int n_threads) {
    return bayes_floor(simulation.generator, simulation.counts.view(),
                       simulation.true_counts.view(), genes, genes, n_threads);
  };
  const BayesFloor one = floor(1);
  for (const int n_threads : {2, 4}) {
    CHECK(one.zeros == floor(n_threads).zeros);
    CHECK(one.nonzeros == floor(n_threads).nonzeros);
  }
}

TEST_CASE("data that do not belong to the generator are refused") {
  const Simulation simulation = simulate_small("equal", BatchTruth::coupled, 26);
  const std::vector<std::int32_t> genes = all_genes(160);
  CsrMatrix other = simulation.counts;
  other.n_genes = 161;
  CHECK_THROWS_AS(bayes_floor(simulation.generator, other.view(), simulation.true_counts.view(),
                              genes, genes, 1),
                  Error);
  CsrMatrix empty_cell;
  empty_cell.n_cells = 600;
  empty_cell.n_genes = 160;
  empty_cell.indptr.assign(601, 0);
  CHECK_THROWS_AS(bayes_floor(simulation.generator, empty_cell.view(),
                              simulation.true_counts.view(), genes, genes, 1),
                  Error);
}

TEST_CASE("the generator of some cells gives the posterior of those cells") {
  const Simulation simulation = simulate_small("rare", BatchTruth::coupled, 27);
  const std::vector<std::int64_t> cells{5, 17, 400};
  const Generator some = select_cells(simulation.generator, cells);
  CHECK(some.n_cells == 3);
  CHECK(some.group[1] == simulation.generator.group[17]);
  CHECK(some.library[2] == simulation.generator.library[400]);
  check_generator(some, "some cells");
}
