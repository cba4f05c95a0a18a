#include "engine/evaluate/pca.h"

#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>
#include <algorithm>
#include <limits>

#include "engine/error.h"
#include "engine/evaluate/top_eigenpairs.h"
#include "tests/evaluate/random_values.h"

using Eigen::MatrixXd;
using maskclass::CellBlocks;
using maskclass::component_count;
using maskclass::principal_components;
using maskclass::PrincipalComponents;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

CellBlocks blocks_of(const FloatRows& values) {
  return {values.rows(), values.cols(), [&values](std::int64_t first, std::int64_t n, float* out) {
            std::copy_n(values.data() + first * values.cols(), n * values.cols(), out);
          }};
}

/// Correlated values with means far from 0: `rank` hidden factors of falling strength, and noise.
FloatRows correlated(std::int64_t n_cells, std::int64_t n_genes, int rank, double noise) {
  maskclass::test::Random random(7);
  const auto normal = [&] { return random.normal(); };
  const MatrixXd factors = MatrixXd::NullaryExpr(n_cells, rank, normal);
  MatrixXd loadings = MatrixXd::NullaryExpr(rank, n_genes, normal);
  for (int k = 0; k < rank; ++k) loadings.row(k) *= 3.0 / (1 + k);
  const MatrixXd values =
      factors * loadings + noise * MatrixXd::NullaryExpr(n_cells, n_genes, normal);
  return (values.array() + 8).cast<float>();
}

/// Compares with a singular value decomposition of the whole centred matrix in float64. Scores are
/// compared as v_ab = sum of score products of two cells, which no sign or rotation of equal
/// components changes, and each by itself up to its sign where gaps are wide.
void check_against_svd(const FloatRows& values, int separate) {
  const PrincipalComponents found = principal_components(blocks_of(values), 2);
  MatrixXd centred = values.cast<double>();
  centred.rowwise() -= centred.colwise().mean().eval();
  const Eigen::BDCSVD<MatrixXd> svd(centred, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto n_cells = static_cast<double>(values.rows());

  REQUIRE(found.n_components == component_count(values.rows(), values.cols()));
  REQUIRE(found.scores.size() == static_cast<std::size_t>(values.rows() * found.n_components));
  const Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>> scores(
      found.scores.data(), values.rows(), found.n_components);
  const double largest = svd.singularValues()[0] * svd.singularValues()[0] / (n_cells - 1);
  CHECK(std::abs(found.total_variance - centred.squaredNorm() / (n_cells - 1)) <
        1e-11 * found.total_variance);
  for (Eigen::Index k = 0; k < found.n_components; ++k) {
    const double expected = svd.singularValues()[k] * svd.singularValues()[k] / (n_cells - 1);
    // Eigenvalues of the products carry rounding of about size x 1e-16 of the largest one.
    CHECK(std::abs(found.explained_variance[k] - expected) < 1e-12 * largest);
    Eigen::Index at = 0;
    CHECK(scores.col(k).maxCoeff() == scores.col(k).cwiseAbs().maxCoeff(&at));
    if (k >= separate) continue;
    Eigen::VectorXd reference = svd.matrixU().col(k) * svd.singularValues()[k];
    if (reference[at] < 0) reference = -reference;
    CHECK((scores.col(k) - reference).norm() < 1e-7 * reference.norm());
  }
}

}  // namespace

TEST_CASE("the number of components") {
  CHECK(component_count(5000, 1000) == 50);
  CHECK(component_count(30, 1000) == 29);
  CHECK(component_count(5000, 10) == 10);
  CHECK(component_count(3, 1000) == 2);
  CHECK(component_count(2, 1000) == 1);
  CHECK(component_count(100, 1) == 1);
  CHECK(component_count(51, 51) == 50);
}

TEST_CASE("components agree with a singular value decomposition: more cells than genes") {
  check_against_svd(correlated(300, 70, 8, 0.05), 8);
  check_against_svd(correlated(5, 3, 2, 0.5), 3);
  check_against_svd(correlated(40, 1, 1, 0.5), 1);
}

TEST_CASE("components agree with a singular value decomposition: more genes than cells") {
  check_against_svd(correlated(60, 400, 8, 0.05), 8);
  check_against_svd(correlated(2, 9, 1, 0.5), 1);
  check_against_svd(correlated(3, 2, 1, 0.5), 2);
}

TEST_CASE("components agree with a singular value decomposition: Lanczos") {
  const auto size = static_cast<std::int64_t>(maskclass::kDenseEigenLimit);
  check_against_svd(correlated(size + 150, size + 30, 8, 0.3), 8);
  check_against_svd(correlated(size + 30, size + 150, 8, 0.3), 8);
}

TEST_CASE("several blocks of cells, fewer than genes") {
  // So wide that few cells take several blocks.
  const std::int64_t n_genes = 120000;
  const std::int64_t block = maskclass::cells_a_block(n_genes);
  const FloatRows values = correlated(2 * block + 5, n_genes, 3, 0.1);
  const PrincipalComponents by_cells = principal_components(blocks_of(values), 2);
  MatrixXd centred = values.cast<double>();
  centred.rowwise() -= centred.colwise().mean().eval();
  const MatrixXd products = centred * centred.transpose();
  const Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>> scores(
      by_cells.scores.data(), values.rows(), by_cells.n_components);
  const MatrixXd top = scores.leftCols(3) * scores.leftCols(3).transpose();
  // What three components leave is the noise: deviation 0.1, n_genes entries a cell; its largest
  // eigenvalue is at most 0.01 (sqrt(genes) + sqrt(cells))^2.
  const double noise = 0.01 * std::pow(std::sqrt(static_cast<double>(n_genes)) +
                                           std::sqrt(static_cast<double>(values.rows())),
                                       2);
  CHECK((products - top).operatorNorm() < 1.1 * noise);
  CHECK(products.trace() / (values.rows() - 1.0) ==
        doctest::Approx(by_cells.total_variance).epsilon(1e-10));
}

TEST_CASE("all eigenvalues of a matrix of low rank, by Lanczos") {
  const Eigen::Index n = maskclass::kDenseEigenLimit + 40;
  MatrixXd matrix = MatrixXd::Zero(n, n);
  for (Eigen::Index i = 0; i < 5; ++i) matrix(i, i) = i < 2 ? 4 : 1;  // Equal ones, too.
  const maskclass::Eigenpairs pairs = maskclass::top_eigenpairs(matrix, 8, 2);
  const std::vector<double> expected{4, 4, 1, 1, 1, 0, 0, 0};
  for (Eigen::Index k = 0; k < 8; ++k) {
    CHECK(std::abs(pairs.values[k] - expected[k]) < 1e-9);
    CHECK((matrix * pairs.vectors.col(k) - expected[k] * pairs.vectors.col(k)).norm() < 1e-9);
  }
  CHECK((pairs.vectors.transpose() * pairs.vectors - MatrixXd::Identity(8, 8)).norm() < 1e-12);
}

TEST_CASE("components are the same bits for any number of threads") {
  for (const FloatRows& values : {correlated(700, 600, 5, 0.5), correlated(90, 2000, 5, 0.5)}) {
    const PrincipalComponents one = principal_components(blocks_of(values), 1);
    for (const int n_threads : {2, 4}) {
      const PrincipalComponents more = principal_components(blocks_of(values), n_threads);
      CHECK(one.scores == more.scores);
      CHECK(one.explained_variance == more.explained_variance);
    }
  }
}

TEST_CASE("cells that are all the same have no variance") {
  const FloatRows values = FloatRows::Constant(20, 6, 3.5f);
  const PrincipalComponents found = principal_components(blocks_of(values), 1);
  CHECK(found.total_variance == 0);
  for (const double score : found.scores) CHECK(score == 0);
}

TEST_CASE("what has no components is refused") {
  CHECK_THROWS_AS(principal_components(blocks_of(FloatRows::Zero(1, 5)), 1), maskclass::Error);
  CHECK_THROWS_AS(principal_components(blocks_of(FloatRows::Zero(5, 0)), 1), maskclass::Error);
  CellBlocks large{30000, 30000, {}};
  CHECK_THROWS_AS(principal_components(large, 1), maskclass::Error);
  FloatRows values = FloatRows::Zero(5, 3);
  values(4, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(principal_components(blocks_of(values), 1), maskclass::Error);
}
