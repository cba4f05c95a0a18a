#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <vector>

#include "engine/error.h"
#include "engine/simulate/distributions.h"
#include "engine/simulate/splat.h"
#include "tests/simulate/statistics.h"

namespace {

using namespace maskclass;
using namespace maskclass::simulate;
using maskclass::test::excess_chi_squared;

/// Cells of one group and batch then have the same distribution, so that theory is simple.
SplatParameters constant_libraries(const std::string& name) {
  SplatParameters parameters = scenario(name);
  parameters.n_cells = 6000;
  parameters.n_genes = 60;
  parameters.library_location = 6.5;  // 11 per gene
  parameters.library_scale = 0;
  return parameters;
}

std::vector<double> dense(const CsrMatrix& matrix) {
  std::vector<double> values(matrix.n_cells * matrix.n_genes, 0.0);
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    for (std::int64_t k = matrix.indptr[cell]; k < matrix.indptr[cell + 1]; ++k) {
      values[cell * matrix.n_genes + matrix.indices[k]] = matrix.values[k];
    }
  }
  return values;
}

/// E[f(m)] for m ~ Gamma, by the midpoint rule over the uniform number.
template <typename Function>
double expectation(const GammaParameters& gamma, const Function& f) {
  constexpr int kPoints = 4000;
  double sum = 0;
  for (int k = 0; k < kPoints; ++k) {
    const double u = (k + 0.5) / kPoints;
    sum += f(gamma.scale * gamma_quantile(gamma.shape, {u, 1 - u}));
  }
  return sum / kPoints;
}

/// Calls visit(gene, mean, sum of values, number of cells, values) for every gene of every group
/// and batch that has cells.
template <typename Visit>
void for_each_population_gene(const Generator& generator, bool with_batch_effects,
                              const Visit& visit) {
  for (int group = 0; group < generator.n_groups(); ++group) {
    for (int batch = 0; batch < generator.n_batches(); ++batch) {
      std::vector<std::int64_t> cells;
      for (std::int64_t cell = 0; cell < generator.n_cells; ++cell) {
        if (generator.group[cell] == group && generator.batch[cell] == batch) cells.push_back(cell);
      }
      const std::vector<double> shares =
          expected_shares(generator, group, batch, with_batch_effects);
      for (std::int64_t gene = 0; gene < generator.n_genes; ++gene) {
        visit(group, batch, gene, generator.library[0] * shares[gene], cells);
      }
    }
  }
}

/// The excess chi-squared of a quantity of one gene: sum over genes of z^2.
struct ZScores {
  double sum = 0;
  double n = 0;
  double worst = 0;
  void add(double z) {
    sum += z * z;
    n += 1;
    worst = std::max(worst, std::abs(z));
  }
  void check() const {
    CAPTURE(worst);
    CAPTURE(n);
    CHECK(excess_chi_squared(sum, n) < 5);
    CHECK(excess_chi_squared(sum, n) > -5);
  }
};

void check_gamma_poisson(const Generator& generator, const std::vector<double>& counts,
                         bool with_batch_effects) {
  ZScores means, zeros;
  for_each_population_gene(
      generator, with_batch_effects,
      [&](int, int, std::int64_t gene, double mean, const std::vector<std::int64_t>& cells) {
        const GammaParameters gamma = expression_distribution(generator, gene, mean);
        const double n = static_cast<double>(cells.size());
        const double variance = mean + gamma.shape * gamma.scale * gamma.scale;
        const double zero = std::pow(1 + gamma.scale, -gamma.shape);
        double sum = 0, n_zeros = 0;
        for (const std::int64_t cell : cells) {
          const double count = counts[cell * generator.n_genes + gene];
          sum += count;
          n_zeros += count == 0;
        }
        // Where the normal limit holds.
        if (n * mean > 100) means.add((sum - n * mean) / std::sqrt(n * variance));
        if (n * zero > 20 && n * (1 - zero) > 20) {
          zeros.add((n_zeros - n * zero) / std::sqrt(n * zero * (1 - zero)));
        }
      });
  CHECK(means.n > 60);
  CHECK(zeros.n > 30);
  means.check();
  zeros.check();
}

}  // namespace

TEST_CASE("true counts have the mean, variance and zeros of a gamma-Poisson mixture") {
  const Simulation simulation = simulate::simulate(constant_libraries("unequal"), 11, 2);
  check_gamma_poisson(simulation.generator, dense(simulation.true_counts), true);
}

TEST_CASE("true counts of one gene follow the negative binomial distribution") {
  SplatParameters parameters = constant_libraries("equal");
  parameters.n_cells = 20000;
  parameters.n_genes = 3;
  parameters.library_location = std::log(30.0);
  parameters.group_proportions = {1};
  parameters.dropout_type = DropoutType::none;
  const Simulation simulation = simulate::simulate(parameters, 12, 2);
  const std::vector<double> counts = dense(simulation.true_counts);
  for (std::int64_t gene = 0; gene < 3; ++gene) {
    const double mean =
        simulation.generator.library[0] * expected_shares(simulation.generator, 0, 0, true)[gene];
    const GammaParameters gamma = expression_distribution(simulation.generator, gene, mean);
    std::map<int, double> observed;
    for (std::int64_t cell = 0; cell < 20000; ++cell) ++observed[counts[cell * 3 + gene]];
    double chi_squared = 0, n_bins = 0, bin_expected = 0, bin_observed = 0;
    for (int t = 0; t < 2000; ++t) {
      bin_expected += 20000 * std::exp(std::lgamma(t + gamma.shape) - std::lgamma(gamma.shape) -
                                       std::lgamma(t + 1.0) + t * std::log(gamma.scale) -
                                       (t + gamma.shape) * std::log1p(gamma.scale));
      bin_observed += observed[t];
      if (bin_expected < 20) continue;
      chi_squared += (bin_observed - bin_expected) * (bin_observed - bin_expected) / bin_expected;
      n_bins += 1;
      bin_expected = bin_observed = 0;
    }
    CAPTURE(gene);
    CAPTURE(n_bins);
    CHECK(n_bins >= 2);
    CHECK(chi_squared < n_bins + 4 * std::sqrt(2 * n_bins));
  }
}

TEST_CASE("dropout takes the share of counts that its curve says, and leaves the rest alone") {
  const Simulation simulation = simulate::simulate(constant_libraries("rare"), 13, 2);
  const Generator& generator = simulation.generator;
  const std::vector<double> counts = dense(simulation.counts);
  const std::vector<double> truth = dense(simulation.true_counts);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] != 0) REQUIRE(counts[k] == truth[k]);
  }
  ZScores kept;
  for_each_population_gene(
      generator, true,
      [&](int group, int batch, std::int64_t gene, double mean,
          const std::vector<std::int64_t>& cells) {
        const DropoutCurve curve = dropout_curve(generator, group, batch);
        const double probability =
            expectation(expression_distribution(generator, gene, mean),
                        [&](double m) { return (1 - curve.probability(m)) * -std::expm1(-m); });
        const double n = static_cast<double>(cells.size());
        double n_kept = 0;
        for (const std::int64_t cell : cells) {
          n_kept += counts[cell * generator.n_genes + gene] > 0;
        }
        if (n * probability < 20 || n * (1 - probability) < 20) return;
        kept.add((n_kept - n * probability) / std::sqrt(n * probability * (1 - probability)));
      });
  CHECK(kept.n > 100);
  kept.check();
}

TEST_CASE("batch effects are in the counts and not in the truth") {
  SplatParameters parameters = constant_libraries("batch");
  parameters.dropout_type = DropoutType::none;
  for (const BatchTruth truth : {BatchTruth::coupled, BatchTruth::independent}) {
    parameters.batch_truth = truth;
    const Simulation simulation = simulate::simulate(parameters, 14, 2);
    check_gamma_poisson(simulation.generator, dense(simulation.counts), true);
    check_gamma_poisson(simulation.generator, dense(simulation.true_counts), false);
  }
}

TEST_CASE("a coupled truth is the observed count where batch factors are 1") {
  SplatParameters parameters = constant_libraries("batch");
  parameters.dropout_type = DropoutType::none;
  parameters.batch_factor = {1, 0.5, 0, 0};
  const Simulation coupled = simulate::simulate(parameters, 15, 2);
  CHECK(coupled.generator.truth_without_batch_effects);
  CHECK(coupled.counts.indices == coupled.true_counts.indices);
  CHECK(coupled.counts.values == coupled.true_counts.values);

  parameters.batch_truth = BatchTruth::independent;
  const Simulation independent = simulate::simulate(parameters, 15, 2);
  CHECK(independent.counts.values == coupled.counts.values);
  CHECK(independent.true_counts.values != coupled.true_counts.values);
}

TEST_CASE("an independent truth is not correlated with the counts beyond its gene and group") {
  SplatParameters parameters = constant_libraries("batch");
  parameters.dropout_type = DropoutType::none;
  parameters.batch_factor = {1, 0.5, 0, 0};
  parameters.group_proportions = {1};
  parameters.batch_truth = BatchTruth::independent;
  const Simulation simulation = simulate::simulate(parameters, 16, 2);
  const std::vector<double> counts = dense(simulation.counts);
  const std::vector<double> truth = dense(simulation.true_counts);
  const std::vector<double> shares = expected_shares(simulation.generator, 0, 0, true);
  ZScores correlation;
  for (std::int64_t gene = 0; gene < 60; ++gene) {
    const double mean = simulation.generator.library[0] * shares[gene];
    if (mean < 0.5) continue;
    double sum = 0, sum_of_squares = 0;
    for (std::int64_t cell = 0; cell < 6000; ++cell) {
      const double product = (counts[cell * 60 + gene] - mean) * (truth[cell * 60 + gene] - mean);
      sum += product;
      sum_of_squares += product * product;
    }
    correlation.add(sum / std::sqrt(sum_of_squares));
  }
  CHECK(correlation.n > 20);
  correlation.check();
}

TEST_CASE("the bytes do not depend on the number of threads, and depend on the seed") {
  SplatParameters parameters = scenario("batch");
  parameters.n_cells = 700;
  parameters.n_genes = 301;
  const Simulation one = simulate::simulate(parameters, 17, 1);
  for (const int n_threads : {2, 4}) {
    const Simulation more = simulate::simulate(parameters, 17, n_threads);
    CHECK(one.counts.indptr == more.counts.indptr);
    CHECK(one.counts.indices == more.counts.indices);
    CHECK(one.counts.values == more.counts.values);
    CHECK(one.true_counts.indices == more.true_counts.indices);
    CHECK(one.true_counts.values == more.true_counts.values);
  }
  CHECK(one.counts.values != simulate::simulate(parameters, 18, 1).counts.values);
}

TEST_CASE("a cell's counts do not depend on how many cells there are") {
  SplatParameters parameters = scenario("unequal");
  parameters.n_cells = 130;
  parameters.n_genes = 101;
  const Simulation large = simulate::simulate(parameters, 19, 1);
  parameters.n_cells = 65;
  const Simulation small = simulate::simulate(parameters, 19, 1);
  REQUIRE(small.counts.view().n_nonzeros() == large.counts.indptr[65]);
  for (std::size_t k = 0; k < small.counts.values.size(); ++k) {
    REQUIRE(small.counts.values[k] == large.counts.values[k]);
  }
}

TEST_CASE("one cell and one gene can be simulated") {
  SplatParameters parameters = scenario("equal");
  parameters.n_cells = 1;
  parameters.n_genes = 1;
  const Simulation simulation = simulate::simulate(parameters, 1, 2);
  CHECK(simulation.true_counts.view().n_nonzeros() == 1);
}

TEST_CASE("counts beyond 2^24 are refused, and a caller can stop the job") {
  SplatParameters parameters = scenario("equal");
  parameters.n_cells = 10;
  parameters.n_genes = 2;
  parameters.library_location = 25;
  CHECK_THROWS_AS(simulate::simulate(parameters, 1, 2), Error);
  parameters.library_location = 5;
  Callbacks stop;
  stop.progress = [](const Progress&) { return false; };
  CHECK_THROWS_AS(simulate::simulate(parameters, 1, 2, stop), Error);
}
