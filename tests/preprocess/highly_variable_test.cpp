#include "engine/preprocess/highly_variable.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/preprocess/gene_moments.h"
#include "engine/preprocess/normalise.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::GeneVariance;
using maskclass::HvgResult;
using maskclass::rank_highly_variable_genes;
using maskclass::test::Dense;

namespace {

HvgResult rank_genes(const CsrMatrix& counts, int n_top, int n_threads = 1) {
  const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
  return rank_highly_variable_genes(counts.view(), libraries.sizes, n_top, n_threads);
}

void check_consistent(const HvgResult& result) {
  for (const GeneVariance& gene : result.genes) {
    CHECK(std::isfinite(gene.mean));
    CHECK(std::isfinite(gene.technical));
    CHECK(gene.total >= 0);
    CHECK(gene.biological == gene.total - gene.technical);
  }
  for (std::size_t rank = 0; rank < result.top.size(); ++rank) {
    const GeneVariance& gene = result.genes.at(result.top[rank]);
    CHECK(gene.rank == static_cast<std::int32_t>(rank));
    CHECK(gene.biological > 0);
    if (rank > 0) CHECK(result.genes[result.top[rank - 1]].biological >= gene.biological);
  }
  const auto n_ranked = std::count_if(result.genes.begin(), result.genes.end(),
                                      [](const GeneVariance& gene) { return gene.rank >= 0; });
  CHECK(n_ranked == static_cast<std::ptrdiff_t>(result.top.size()));
}

}  // namespace

TEST_CASE("moments of log2 values are those of the dense matrix") {
  for (const int n_cells : {1, 2, 31, 32, 33, 100}) {
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, 25, 9);
    const Dense dense = maskclass::test::to_dense(counts);
    const std::vector<double> sizes = maskclass::library_sizes_of(counts.view(), 1).sizes;
    const double mean_size = std::accumulate(sizes.begin(), sizes.end(), 0.0) / n_cells;
    const auto moments = maskclass::log_moments(counts.view(), sizes, 2);
    for (int gene = 0; gene < 25; ++gene) {
      long double mean = 0;
      long double variance = 0;
      std::vector<long double> x;
      for (int cell = 0; cell < n_cells; ++cell) {
        x.push_back(std::log2(dense[cell][gene] / (sizes[cell] / mean_size) + 1.0L));
        mean += x.back() / n_cells;
      }
      for (const long double value : x) variance += (value - mean) * (value - mean);
      variance = n_cells > 1 ? variance / (n_cells - 1) : 0;
      // Sums of at most 100 terms, each good to a few 2^-53.
      CHECK(std::abs(moments.means[gene] - static_cast<double>(mean)) <= 1e-13);
      CHECK(std::abs(moments.variances[gene] - static_cast<double>(variance)) <= 1e-12);
    }
  }
}

TEST_CASE("the ranking does not depend on the number of threads") {
  const CsrMatrix counts = maskclass::test::random_counts(120, 500, 21);
  const HvgResult one = rank_genes(counts, 100, 1);
  check_consistent(one);
  CHECK(one.top.size() == 100);
  for (const int n_threads : {2, 3, 4}) {
    const HvgResult many = rank_genes(counts, 100, n_threads);
    CHECK(many.top == one.top);
    for (std::size_t gene = 0; gene < one.genes.size(); ++gene) {
      REQUIRE(many.genes[gene].mean == one.genes[gene].mean);
      REQUIRE(many.genes[gene].total == one.genes[gene].total);
      REQUIRE(many.genes[gene].technical == one.genes[gene].technical);
    }
  }
}

TEST_CASE("n_top cuts the ranking and 0 does not") {
  const CsrMatrix counts = maskclass::test::random_counts(120, 500, 22);
  const HvgResult all = rank_genes(counts, 0);
  check_consistent(all);
  const HvgResult ten = rank_genes(counts, 10);
  check_consistent(ten);
  REQUIRE(all.top.size() > 100);
  CHECK(ten.top == std::vector<std::int32_t>(all.top.begin(), all.top.begin() + 10));
  CHECK(rank_genes(counts, 100000).top == all.top);
}

TEST_CASE("a gene that marks half of the cells ranks first") {
  // Its mean lies among the others': a gene alone at the end of the axis draws the trend to itself.
  Dense dense = maskclass::test::to_dense(maskclass::test::random_counts(200, 400, 23));
  for (std::size_t cell = 0; cell < dense.size(); ++cell) dense[cell][7] = cell % 2 == 0 ? 15 : 0;
  CHECK(rank_genes(maskclass::test::from_dense(dense, 400), 5).top.front() == 7);
}

TEST_CASE("equal genes rank in input order") {
  Dense dense = maskclass::test::to_dense(maskclass::test::random_counts(100, 300, 24));
  for (auto& row : dense) row[299] = row[3] = row[150];
  const HvgResult result = rank_genes(maskclass::test::from_dense(dense, 300), 0);
  const auto position = [&](std::int32_t gene) {
    return std::find(result.top.begin(), result.top.end(), gene) - result.top.begin();
  };
  if (result.genes[3].rank >= 0) {
    CHECK(position(150) == position(3) + 1);
    CHECK(position(299) == position(3) + 2);
  } else {
    CHECK(result.genes[299].rank < 0);
  }
}

TEST_CASE("few genes, few cells and constant genes give defined results") {
  for (int n_genes = 1; n_genes <= 12; ++n_genes) {
    for (const int n_cells : {1, 2, 3, 10}) {
      CAPTURE(n_genes);
      CAPTURE(n_cells);
      const CsrMatrix counts =
          maskclass::test::random_counts(n_cells, n_genes, 100 * n_genes + n_cells);
      const HvgResult result = rank_genes(counts, 1000);
      check_consistent(result);
      if (n_cells == 1) {
        CHECK(result.top.empty());
        for (const GeneVariance& gene : result.genes) CHECK(gene.total == 0);
      }
    }
  }
  const CsrMatrix no_genes = maskclass::test::from_dense({{}, {}}, 0);
  const std::vector<double> sizes{1, 1};
  CHECK(rank_highly_variable_genes(no_genes.view(), sizes, 1000, 1).genes.empty());
  const CsrMatrix no_cells = maskclass::test::from_dense({}, 3);
  CHECK(rank_highly_variable_genes(no_cells.view(), {}, 1000, 1).top.empty());

  const CsrMatrix constant = maskclass::test::from_dense(Dense(20, {1, 2, 3}), 3);
  const HvgResult same = rank_genes(constant, 1000);
  check_consistent(same);
  CHECK(same.top.empty());
}

TEST_CASE("where no gene can carry a trend, genes rank by their total variance") {
  // Means below 0.1: one cell in forty has the gene.
  Dense dense(80, std::vector<float>(3, 0.0f));
  for (auto& row : dense) row.push_back(1000);
  dense[0][0] = dense[1][0] = 1;
  dense[0][1] = dense[1][1] = 2;
  dense[0][2] = 1;
  CsrMatrix counts = maskclass::test::from_dense(dense, 4);
  // Equal libraries make the one common gene constant.
  const std::vector<double> sizes(80, 1000.0);
  const HvgResult result = rank_highly_variable_genes(counts.view(), sizes, 1000, 1);
  CHECK(result.top == std::vector<std::int32_t>{1, 0, 2});
  for (const GeneVariance& gene : result.genes) CHECK(gene.technical == 0);
}
