#include "engine/biozero/dropout_groups.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/biozero/mask_probability.h"
#include "engine/biozero/moments.h"
#include "engine/biozero/posterior.h"
#include "engine/biozero/table.h"
#include "kernels/math/biozero.h"
#include "tests/biozero/sample.h"

using namespace maskclass;
using Batches = std::vector<std::vector<std::int32_t>>;

namespace {

/// n[b] cells of batch b, one batch after the other.
std::vector<std::int32_t> batches_of(const std::vector<int>& n_cells) {
  std::vector<std::int32_t> batch_of;
  for (std::size_t batch = 0; batch < n_cells.size(); ++batch) {
    batch_of.insert(batch_of.end(), n_cells[batch], static_cast<std::int32_t>(batch));
  }
  return batch_of;
}

struct Curve {
  double a;
  double b;
};

/// Counts of the model of `moments` itself: no count of a cell before dropout is 0 but for chance
/// below 1e-4, so that the mean over non-zeros is the mean, and dropout is by the mean alone.
struct Drawn {
  CsrMatrix counts;
  std::vector<double> library_size;
  std::vector<std::uint32_t> cell_ids;
  std::vector<std::int32_t> batch_of;

  Drawn(const std::vector<int>& n_cells, const std::vector<Curve>& curves, int n_genes)
      : batch_of(batches_of(n_cells)) {
    const auto n = static_cast<int>(batch_of.size());
    library_size = testing::library_factors(n, 0.3, 5);
    std::vector<std::vector<float>> dense(n, std::vector<float>(n_genes));
    for (int cell = 0; cell < n; ++cell) {
      cell_ids.push_back(cell);
      const Curve& curve = curves[batch_of[cell]];
      for (int gene = 0; gene < n_genes; ++gene) {
        const double mean = 10 * std::exp(3.0 * gene / n_genes) * library_size[cell];
        const double keep = 1 / (1 + std::exp(curve.a - curve.b * std::log(mean)));
        if (testing::uniform(1, cell, gene) >= keep) continue;
        const double noise = testing::normal(2 + gene, cell);
        dense[cell][gene] =
            static_cast<float>(std::max(1.0, std::round(mean + noise * std::sqrt(mean))));
      }
    }
    counts = testing::to_csr(dense);
  }
};

}  // namespace

TEST_CASE("batches of enough cells have a group each") {
  const DropoutGroups groups = group_batches(batches_of({20, 0, 25}));
  CHECK(groups.n_groups == 2);
  CHECK(groups.batches == Batches{{0}, {2}});
  CHECK(std::count(groups.of_cell.begin(), groups.of_cell.end(), 1) == 25);
  CHECK(text_of_shared(groups, {}).empty());
}

TEST_CASE("small batches share a group, or that of the largest batch") {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const DropoutGroups together = group_batches(batches_of({19, 30, 1, 40}));
  CHECK(together.batches == Batches{{1}, {3}, {0, 2}});
  CHECK(together.of_cell.front() == 2);
  CHECK(text_of_shared(together, names).find("one curve serves 'a', 'c'") != std::string::npos);
  const DropoutGroups with_largest = group_batches(batches_of({19, 30, 0, 40}));
  CHECK(with_largest.batches == Batches{{1}, {0, 3}});
  CHECK(with_largest.of_cell.front() == 1);
  const DropoutGroups all = group_batches(batches_of({7, 8}));
  CHECK(all.n_groups == 1);
  CHECK(all.of_cell.empty());
  CHECK(text_of_shared(all, {}).find("'1', '2'") != std::string::npos);
}

TEST_CASE("one batch, however numbered, is no batch") {
  CHECK(group_batches({}).n_groups == 1);
  CHECK(group_batches(batches_of({50})).of_cell.empty());
  CHECK(group_batches(batches_of({0, 0, 50})).of_cell.empty());
}

TEST_CASE("each batch gets its own curve") {
  // Of 400 x 200 and 600 x 200 entries; a curve's standard error is then below 0.05 in a and b, see
  // the Fisher information: 1 / (sum delta (1 - delta)) with delta (1 - delta) > 0.1 gives 0.011
  // for a level at the mean of ln mu, and 1 / 0.87, the spread of ln mu, times that for the slope.
  const std::vector<Curve> truth = {{4.0, 1.2}, {2.0, 0.8}};
  const Drawn drawn({400, 600}, truth, 200);
  const auto groups = group_batches(drawn.batch_of);
  const std::vector<DropoutModel> models =
      fit_moments_by_group(drawn.counts.view(), drawn.library_size, groups, 2);
  REQUIRE(models.size() == 2);
  for (std::size_t batch = 0; batch < 2; ++batch) {
    CAPTURE(models[batch].a);
    CAPTURE(models[batch].b);
    CHECK(std::abs(models[batch].b - truth[batch].b) < 0.05);
    const double centre = std::log(10.0) + 1.5;
    CHECK(std::abs((models[batch].a - models[batch].b * centre) -
                   (truth[batch].a - truth[batch].b * centre)) < 0.05);
    CHECK(models[batch].mean == models[0].mean);
    CHECK(models[batch].dispersion == models[0].dispersion);
  }
  // One curve for both lies between.
  const DropoutModel one = fit_moments(drawn.counts.view(), drawn.library_size, 2);
  CHECK(one.mean == models[0].mean);
  CHECK(std::abs(one.b - truth[0].b) > 0.05);
}

TEST_CASE("the table of several batches is that of each: position, coefficients, adjustment") {
  const Drawn drawn({30, 40}, {{4.0, 1.2}, {2.0, 0.8}}, 50);
  std::string log;
  Callbacks callbacks;
  callbacks.log = [&](const std::string& line) { log += line + '\n'; };
  const std::vector<std::string> names = {"first", "second"};
  const MaskProbability fitted = fit_mask_probability(
      {drawn.counts.view(), drawn.library_size, drawn.cell_ids, drawn.batch_of, names},
      BiozeroEstimator::moments, {0.3, 0, 2}, callbacks);
  CHECK(log.find("dropout by batch") != std::string::npos);
  CHECK(log.find("'first' a = ") != std::string::npos);
  CHECK(log.find("'second' a = ") != std::string::npos);
  CHECK(fitted.dropout == nullptr);
  REQUIRE(fitted.posteriors.size() == 2);
  const BiozeroTable& table = fitted.table;
  REQUIRE(table.coefficients.size() == 2 * 50 * kBiozeroTerms);
  double largest = 0;
  for (std::int64_t cell = 0; cell < 70; ++cell) {
    float basis[kBiozeroTerms];
    chebyshev_basis(table.position[cell], basis);
    for (std::int64_t gene = 0; gene < 50; ++gene) {
      const double exact =
          fitted.posteriors[drawn.batch_of[cell]](gene, std::log(fitted.library_factor[cell]));
      const std::size_t row = std::size_t{50} * table.curve[cell] + gene;
      const float p = biozero_from_basis(basis, 1, &table.coefficients[row * kBiozeroTerms], 1.0f);
      largest = std::max(largest, std::abs(static_cast<double>(p) - exact));
    }
  }
  // The check grid is not the cells: twice what it found, and a few roundings.
  CHECK(largest <= 2 * static_cast<double>(table.largest_error) + 2e-6);
}

TEST_CASE("one batch gives the bits of no batches, in either estimator") {
  const Drawn drawn({60}, {{3.0, 1.0}}, 40);
  for (const auto estimator : {BiozeroEstimator::moments, BiozeroEstimator::calibrated}) {
    const auto fit = [&](std::span<const std::int32_t> batch_of) {
      return fit_mask_probability(
          {drawn.counts.view(), drawn.library_size, drawn.cell_ids, batch_of, {}}, estimator,
          {0.3, 0, 2}, {});
    };
    const MaskProbability with = fit(drawn.batch_of);
    const MaskProbability without = fit({});
    CHECK(with.table.coefficients == without.table.coefficients);
    CHECK(with.table.position == without.table.position);
    CHECK(with.table.curve.empty());
  }
}
