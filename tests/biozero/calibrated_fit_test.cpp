#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/biozero/calibrated/choose_clusters.h"
#include "engine/biozero/calibrated/estimate.h"
#include "engine/biozero/calibrated/fit.h"
#include "engine/biozero/calibrated/library.h"
#include "engine/simulate/distributions.h"
#include "tests/biozero/sample.h"

using namespace maskclass;
using namespace maskclass::calibrated;

namespace {

/// Counts drawn from the model itself, cells alternating between its clusters.
struct Sample {
  Model model;
  Clusters clusters;
  std::vector<double> library_factor;
  CsrMatrix counts;
  std::vector<double> library_size;       // of what was counted
  std::vector<double> true_library_size;  // before dropout
  std::vector<std::vector<float>> truth;
};

Sample draw(int n_cells, int n_genes, const std::vector<LogisticDropout>& dropout,
            double typical_log_mean, std::uint64_t seed, double expression_share = 1) {
  Sample sample;
  Model& model = sample.model;
  model.n_genes = n_genes;
  model.expression_share = expression_share;
  model.trend = {0.15, 0.9};
  model.dropout = dropout;
  const auto n_clusters = std::ssize(dropout);
  for (int gene = 0; gene < n_genes; ++gene) {
    model.log_factor.push_back(0.1 * testing::normal(seed + 1, gene));
  }
  for (std::int64_t cluster = 0; cluster < n_clusters; ++cluster) {
    for (int gene = 0; gene < n_genes; ++gene) {
      const double shared = typical_log_mean + 1.2 * testing::normal(seed + 2, gene);
      const bool differs = cluster > 0 && gene % 4 == 0;
      model.log_mean.push_back(shared + (differs ? 0.8 * (gene % 8 == 0 ? 1 : -1) : 0.0));
    }
  }
  sample.library_factor = testing::library_factors(n_cells, 0.25, seed + 3);
  sample.clusters.n_clusters = n_clusters;
  std::vector<std::vector<float>> observed(n_cells, std::vector<float>(n_genes));
  sample.truth = observed;
  for (int cell = 0; cell < n_cells; ++cell) {
    const auto cluster = static_cast<std::int32_t>(cell % n_clusters);
    sample.clusters.of_cell.push_back(cluster);
    double kept_sum = 0;
    double sum = 0;
    for (int gene = 0; gene < n_genes; ++gene) {
      const GammaDistribution gamma =
          model.distribution(cluster, gene, std::log(sample.library_factor[cell]));
      const double u = testing::uniform(seed + 4, cell, gene);
      const double lambda = simulate::gamma_quantile(gamma.shape, {u, 1 - u}) *
                            std::exp(gamma.log_mean) / gamma.shape;
      const double t = simulate::poisson_quantile(lambda, testing::uniform(seed + 5, cell, gene));
      const LogisticDropout curve = model.dropout_at(cluster, gamma);
      const double delta =
          curve.present ? 1 / (1 + std::exp(curve.slope * std::log(lambda) - curve.level)) : 0.0;
      const bool dropped = testing::uniform(seed + 6, cell, gene) < delta;
      sample.truth[cell][gene] = static_cast<float>(t);
      observed[cell][gene] = dropped ? 0.0f : static_cast<float>(t);
      sum += t;
      kept_sum += dropped ? 0.0 : t;
    }
    sample.library_size.push_back(kept_sum);
    sample.true_library_size.push_back(sum);
  }
  sample.counts = testing::to_csr(observed);
  return sample;
}

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<std::uint32_t> numbered(std::int64_t n) {
  std::vector<std::uint32_t> ids(n);
  for (std::int64_t k = 0; k < n; ++k) ids[k] = static_cast<std::uint32_t>(k);
  return ids;
}

}  // namespace

TEST_CASE("the fit finds the model that counts were drawn from") {
  const Sample sample = draw(800, 300, {{3.5, 1.1, true}, {1.2, 0.8, true}}, 2.5, 10);
  const Statistics statistics =
      gather_statistics(sample.counts.view(), sample.library_factor, sample.clusters, {}, 2);
  const Model model = fit_model(statistics, {.n_threads = 2});
  for (int cluster = 0; cluster < 2; ++cluster) {
    const LogisticDropout& fitted = model.dropout[cluster];
    const LogisticDropout& drawn = sample.model.dropout[cluster];
    // Midpoints, ln lambda at which half is dropped; 120,000 entries each leave about 0.03.
    CHECK(std::abs(fitted.level / fitted.slope - drawn.level / drawn.slope) < 0.15);
    CHECK(std::abs(fitted.slope / drawn.slope - 1) < 0.12);
  }
  CHECK(std::abs(model.trend.common - 0.15) < 0.05);
  CHECK(std::abs(model.trend.poisson - 0.9) < 0.1);
  std::vector<double> errors;
  for (std::size_t k = 0; k < model.log_mean.size(); ++k) {
    errors.push_back(model.log_mean[k] - sample.model.log_mean[k]);
  }
  // A mean of 400 cells, most of which show the gene, with a coefficient of variation near 0.7,
  // is known to about 5 %; rare genes less well.
  CHECK(root_mean_square(errors) < 0.12);
}

TEST_CASE("the fit does not depend on the number of threads") {
  const Sample sample = draw(120, 70, {{2.0, 1.0, true}, {1.0, 1.0, true}}, 1.5, 20);
  const auto fit = [&](int n_threads) {
    return estimate(sample.counts.view(), sample.library_size, sample.clusters,
                    {true, n_threads, {}, 0, Detail::with_values});
  };
  const Estimate one = fit(1);
  for (const int n_threads : {2, 3}) {
    const Estimate other = fit(n_threads);
    CHECK(other.model.log_mean == one.model.log_mean);
    CHECK(other.model.log_factor == one.model.log_factor);
    CHECK(other.model.dropout[1].level == one.model.dropout[1].level);
    CHECK(other.library_size == one.library_size);
  }
}

TEST_CASE("library sizes are restored and probabilities calibrated") {
  const Sample sample = draw(600, 300, {{3.5, 1.1, true}, {0.8, 1.0, true}}, 2.5, 30);
  const Estimate fitted = estimate(sample.counts.view(), sample.library_size, sample.clusters,
                                   {true, 2, {}, 0, Detail::with_values});
  std::vector<double> before;
  std::vector<double> after;
  double expected_zeros = 0;
  double true_zeros = 0;
  const CsrView counts = sample.counts.view();
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    before.push_back(std::log(sample.library_size[cell] / sample.true_library_size[cell]));
    after.push_back(std::log(fitted.library_size[cell] / sample.true_library_size[cell]));
    const std::int32_t cluster = sample.clusters.of_cell[cell];
    const auto weights = fitted.table.weights(cluster, std::log(fitted.library_factor[cell]));
    std::vector<bool> is_zero(counts.n_genes, true);
    for (const std::int32_t gene : counts.row_indices(cell)) is_zero[gene] = false;
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
      if (!is_zero[gene]) continue;
      expected_zeros += fitted.table.at(cluster, gene, weights).zero_probability;
      true_zeros += sample.truth[cell][gene] == 0;
    }
  }
  CHECK(root_mean_square(after) < 0.03);
  CHECK(root_mean_square(after) < 0.5 * root_mean_square(before));
  CHECK(std::abs(expected_zeros / true_zeros - 1) < 0.05);
}

TEST_CASE("zero inflation is seen where it is, and only there") {
  const Sample dropped = draw(300, 120, {{2.0, 1.0, true}}, 1.5, 40);
  const Sample whole = draw(300, 120, {{2.0, 1.0, false}}, 0.0, 50);
  const std::vector<std::uint32_t> ids = numbered(300);
  const HeldOut held_out = hold_out(0.1, 3, ids, 120);
  CHECK(
      is_zero_inflated(dropped.counts.view(), dropped.library_size, dropped.clusters, held_out, 2));
  CHECK_FALSE(
      is_zero_inflated(whole.counts.view(), whole.library_size, whole.clusters, held_out, 2));
}

TEST_CASE("the number of clusters is found by entries set aside") {
  const Sample sample = draw(300, 150, {{2.5, 1.0, true}, {1.5, 1.0, true}}, 2.0, 60);
  // A latent that shows the clusters, with noise.
  std::vector<double> latent;
  for (int cell = 0; cell < 300; ++cell) {
    latent.push_back(3.0 * (cell % 2) + 0.3 * testing::normal(61, cell));
    latent.push_back(0.3 * testing::normal(62, cell));
  }
  const std::vector<std::uint32_t> ids = numbered(300);
  const HeldOut held_out = hold_out(0.05, 1, ids, 150);
  const ClusterChoice choice = choose_clusters(sample.counts.view(), sample.library_size,
                                               {latent, 300, 2}, held_out, {0, 2});
  CHECK(choice.n_clusters == 2);
  CHECK(choice.zero_inflated);
  CHECK(choice.candidates.size() >= 3);
}

TEST_CASE("whether dropout depends on expression or on its mean is found by entries set aside") {
  const std::vector<std::uint32_t> ids = numbered(600);
  // Many, since the two differ in the shape of a gene's counts alone.
  const HeldOut held_out = hold_out(0.3, 1, ids, 300);
  const std::vector<double> latent(600, 0.0);
  for (const double share : {0.0, 1.0}) {
    const Sample sample = draw(600, 300, {{2.5, 1.5, true}}, 2.0, 70, share);
    const ClusterChoice choice = choose_clusters(sample.counts.view(), sample.library_size,
                                                 {latent, 600, 1}, held_out, {0, 2});
    CHECK(choice.zero_inflated);
    CHECK(std::abs(choice.expression_share - share) < 0.05);
  }
}

TEST_CASE("the smallest and emptiest inputs give a finite estimate") {
  for (const auto& dense :
       std::vector<std::vector<std::vector<float>>>{{{5}},
                                                    {{5, 0, 1}},
                                                    {{5, 1}, {1, 0}, {2, 0}},
                                                    {{1, 2}, {3, 4}},
                                                    {{1, 0, 0}, {3, 0, 0}, {0, 1, 0}},
                                                    {{16777216, 0}, {1, 1}, {1, 0}}}) {
    const CsrMatrix counts = testing::to_csr(dense);
    std::vector<double> library_size;
    for (const auto& row : dense) {
      double sum = 0;
      for (const float value : row) sum += value;
      library_size.push_back(sum);
    }
    for (const bool dropout : {true, false}) {
      const Estimate fitted = estimate(counts.view(), library_size, one_cluster(counts.n_cells),
                                       {dropout, 2, {}, 0, Detail::with_values});
      for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
        CHECK(std::isfinite(fitted.library_factor[cell]));
        const auto weights = fitted.table.weights(0, std::log(fitted.library_factor[cell]));
        for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
          const ZeroPosterior zero = fitted.table.at(0, gene, weights);
          CHECK(zero.zero_probability >= 0);
          CHECK(zero.zero_probability <= 1);
          CHECK(std::isfinite(zero.dropped_mean));
          CHECK(std::isfinite(zero.expression));
        }
      }
    }
  }
}
