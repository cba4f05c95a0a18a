#include "engine/evaluate/evaluation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "engine/error.h"
#include "engine/evaluate/normalised_blocks.h"
#include "tests/evaluate/random_values.h"

using maskclass::CellBlocks;
using maskclass::CsrMatrix;
using maskclass::EvaluationInput;
using maskclass::EvaluationReport;

namespace {

CsrMatrix sparse(const std::vector<std::vector<float>>& rows) {
  CsrMatrix matrix;
  matrix.n_cells = static_cast<std::int64_t>(rows.size());
  matrix.n_genes = static_cast<std::int64_t>(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t gene = 0; gene < row.size(); ++gene) {
      if (row[gene] == 0) continue;
      matrix.indices.push_back(static_cast<std::int32_t>(gene));
      matrix.values.push_back(row[gene]);
    }
    matrix.indptr.push_back(static_cast<std::int64_t>(matrix.indices.size()));
  }
  return matrix;
}

CellBlocks blocks_of(std::vector<float> values, std::int64_t n_genes) {
  const auto n_cells = static_cast<std::int64_t>(values.size()) / n_genes;
  return {n_cells, n_genes,
          [values = std::move(values), n_genes](std::int64_t first, std::int64_t n, float* out) {
            std::copy_n(values.data() + first * n_genes, n * n_genes, out);
          }};
}

/// 300 cells of three groups with 20 genes; the observed values lose every other entry.
EvaluationInput three_groups() {
  const std::int64_t n_cells = 300, n_genes = 20;
  const std::vector<double> clouds = maskclass::test::clouds(n_cells, n_genes, 3, 8, 31);
  std::vector<float> truth, observed, denoised;
  for (std::size_t k = 0; k < clouds.size(); ++k) {
    truth.push_back(static_cast<float>(std::max(0.0, clouds[k])));
    observed.push_back(k % 2 == 0 ? truth.back() : 0);
    denoised.push_back(k % 2 == 0 ? truth.back() : truth.back() + 0.5f);
  }
  EvaluationInput input;
  input.denoised = blocks_of(denoised, n_genes);
  input.observed = blocks_of(observed, n_genes);
  input.truth = blocks_of(truth, n_genes);
  for (std::int32_t cell = 0; cell < n_cells; ++cell) input.labels.push_back(cell % 3);
  input.n_labels = 3;
  return input;
}

}  // namespace

TEST_CASE("genes and libraries that normalise counts") {
  const CsrMatrix counts = sparse({{1, 0, 2, 0}, {3, 0, 0, 9}, {0, 0, 0, 0}, {4, 1, 1, 0}});
  const std::vector<std::int32_t> genes = maskclass::genes_in_cells(counts.view(), 2);
  CHECK(genes == std::vector<std::int32_t>{0, 2});
  CHECK(maskclass::genes_in_cells(counts.view(), 0).size() == 4);
  // Libraries 3, 3, none, 5: median 3.
  CHECK(maskclass::size_factors(counts.view(), genes) == std::vector<double>{1, 1, 0, 3.0 / 5});
  CHECK(maskclass::size_factors(std::vector<double>{2, 4}) == std::vector<double>{1.5, 0.75});
}

TEST_CASE("blocks of normalised counts, cells and genes in any order") {
  const auto counts = std::make_shared<const CsrMatrix>(sparse({{1, 0, 3}, {0, 7, 0}, {5, 1, 2}}));
  const CellBlocks blocks =
      maskclass::log_normalised_blocks({counts, {1, 1, 0.5}, {2, 0}, {2, 0}}, 2);
  REQUIRE(blocks.n_cells == 2);
  REQUIRE(blocks.n_genes == 2);
  std::vector<float> values(4);
  blocks.read(0, 2, values.data());
  const auto log2_1p = [](double x) { return static_cast<float>(std::log2(1 + x)); };
  CHECK(values == std::vector<float>{log2_1p(1), log2_1p(2.5), log2_1p(3), log2_1p(1)});
  blocks.read(1, 1, values.data());
  CHECK(values[0] == log2_1p(3));
}

TEST_CASE("a report of everything") {
  const EvaluationInput input = three_groups();
  const EvaluationReport report = maskclass::evaluate(input, {.n_threads = 2});
  REQUIRE(report.denoising);
  CHECK(report.denoising->denoised.all.mean() == doctest::Approx(0.125).epsilon(1e-6));
  CHECK(report.denoising->denoised.dropout.mean() == doctest::Approx(0.25).epsilon(1e-6));
  CHECK(report.denoising->baseline.biozero.mean() == 0);
  CHECK(report.denoising->baseline.all.mean() > report.denoising->denoised.all.mean());
  CHECK_FALSE(report.denoising->biozero);
  REQUIRE(report.clusters);
  REQUIRE(report.baseline_clusters);
  CHECK(report.n_clusters == 3);
  CHECK(report.clusters->n_components == 20);
  CHECK(report.clusters->agreement.ari == 1);
  CHECK(report.clusters->silhouette > report.baseline_clusters->silhouette);
  CHECK(report.clusters->explained == doctest::Approx(1).epsilon(1e-9));
}

TEST_CASE("the report does not depend on threads") {
  const EvaluationInput input = three_groups();
  const EvaluationReport one = maskclass::evaluate(input, {.n_clusters = 7, .n_threads = 1});
  for (const int n_threads : {2, 4}) {
    const EvaluationReport more =
        maskclass::evaluate(input, {.n_clusters = 7, .n_threads = n_threads});
    CHECK(one.clusters->agreement.ari == more.clusters->agreement.ari);
    CHECK(one.clusters->silhouette == more.clusters->silhouette);
    CHECK(one.clusters->explained == more.clusters->explained);
    CHECK(one.denoising->denoised.all.sum == more.denoising->denoised.all.sum);
  }
}

TEST_CASE("parts that are not asked for are left out") {
  EvaluationInput input = three_groups();
  input.truth.reset();
  const EvaluationReport no_truth = maskclass::evaluate(input, {.baseline = false});
  CHECK_FALSE(no_truth.denoising);
  CHECK(no_truth.clusters);
  CHECK_FALSE(no_truth.baseline_clusters);
  input.labels.clear();
  CHECK_FALSE(maskclass::evaluate(input, {}).clusters);
}

TEST_CASE("matrices that do not fit together are refused") {
  EvaluationInput input = three_groups();
  input.observed = blocks_of({1, 2}, 2);
  CHECK_THROWS_AS(maskclass::evaluate(input, {}), maskclass::Error);
  input = three_groups();
  input.observed.reset();
  CHECK_THROWS_AS(maskclass::evaluate(input, {}), maskclass::Error);
  input = three_groups();
  input.labels.pop_back();
  CHECK_THROWS_AS(maskclass::evaluate(input, {}), maskclass::Error);
  input = three_groups();
  CHECK_THROWS_AS(maskclass::evaluate(input, {.n_clusters = 1000}), maskclass::Error);
}
