#include "engine/evaluate/top_eigenpairs.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "kernels/math/philox.h"

namespace maskclass {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Of the largest eigenvalue: residuals below it are converged, directions below it are new.
constexpr double kTolerance = 1e-10;
constexpr Index kRowsATask = 64;
/// A smaller matrix is multiplied in the time that it takes to wake other threads.
constexpr Index kParallelSize = 2048;
/// The "epoch" of the start vectors' random numbers: no start of k-means has it.
constexpr std::uint32_t kStartVectorEpoch = 0xfffffffeu;

VectorXd product(const MatrixXd& matrix, const VectorXd& vector, int n_threads) {
  VectorXd result(matrix.rows());
  const Index n_tasks = (matrix.rows() + kRowsATask - 1) / kRowsATask;
#pragma omp parallel for num_threads(n_threads) schedule(static) if (matrix.rows() >= kParallelSize)
  for (Index task = 0; task < n_tasks; ++task) {
    const Index first = task * kRowsATask;
    const Index n_rows = std::min(kRowsATask, matrix.rows() - first);
    // The matrix is symmetric: its columns are its rows, and lie together.
    result.segment(first, n_rows).noalias() = matrix.middleCols(first, n_rows).transpose() * vector;
  }
  return result;
}

/// A pseudo-random direction for the `column`th basis vector.
VectorXd random_vector(Index n, Index column) {
  VectorXd vector(n);
  for (Index i = 0; i < n; ++i) {
    const std::uint32_t bits =
        philox::random_bits(0, philox::Purpose::k_means, kStartVectorEpoch,
                            static_cast<std::uint32_t>(column), static_cast<std::uint64_t>(i));
    vector[i] = philox::to_unit_float(bits) - 0.5;
  }
  return vector;
}

/// Takes out of `vector` what lies in the space of the first `n` columns of `basis`; twice is
/// enough (Parlett, section 6-9).
void orthogonalise(const MatrixXd& basis, Index n, VectorXd& vector) {
  for (int pass = 0; pass < 2; ++pass) {
    const VectorXd projections = basis.leftCols(n).transpose() * vector;
    vector.noalias() -= basis.leftCols(n) * projections;
  }
}

/// Lanczos's tridiagonal matrix, grown a step at a time, and its orthonormal basis.
class Lanczos {
 public:
  Lanczos(const MatrixXd& matrix, int n_threads) : matrix_(matrix), n_threads_(n_threads) {
    next_ = random_vector(matrix.rows(), 0).normalized();
  }

  Index steps() const { return steps_; }

  void step() {
    reserve(steps_ + 1);
    basis_.col(steps_) = next_;
    VectorXd image = product(matrix_, next_, n_threads_);
    diagonal_[steps_] = image.dot(next_);
    scale_ = std::max(scale_, std::abs(diagonal_[steps_]));
    ++steps_;
    orthogonalise(basis_, steps_, image);
    const double length = image.norm();
    // Otherwise the basis spans an invariant space: go on in a new direction, uncoupled from it.
    const bool coupled = length > 1e-14 * scale_;
    off_diagonal_[steps_ - 1] = coupled ? length : 0;
    next_ = coupled ? VectorXd(image / length) : new_direction();
  }

  /// The `count` largest Ritz pairs, where they have converged or nothing is left to add.
  bool solve(Index count, Eigenpairs& found) const {
    Eigen::SelfAdjointEigenSolver<MatrixXd> solver;
    solver.computeFromTridiagonal(diagonal_.head(steps_), off_diagonal_.head(steps_ - 1));
    const VectorXd values = solver.eigenvalues().tail(count).reverse();
    const MatrixXd vectors = solver.eigenvectors().rightCols(count).rowwise().reverse();
    const double residual =
        off_diagonal_[steps_ - 1] * vectors.row(steps_ - 1).cwiseAbs().maxCoeff();
    if (steps_ < matrix_.rows() && residual > kTolerance * values[0]) return false;
    found.values = values;
    found.vectors.noalias() = basis_.leftCols(steps_) * vectors;
    return true;
  }

 private:
  VectorXd new_direction() const {
    VectorXd direction = random_vector(matrix_.rows(), steps_).normalized();
    orthogonalise(basis_, steps_, direction);
    return direction.normalized();
  }

  void reserve(Index columns) {
    if (columns <= basis_.cols()) return;
    const Index grown = std::min(matrix_.rows(), std::max<Index>(64, 2 * basis_.cols()));
    basis_.conservativeResize(matrix_.rows(), grown);
    diagonal_.conservativeResize(grown);
    off_diagonal_.conservativeResize(grown);
  }

  const MatrixXd& matrix_;
  int n_threads_;
  Index steps_ = 0;
  double scale_ = 0;
  MatrixXd basis_;  ///< [n][steps]
  VectorXd diagonal_;
  VectorXd off_diagonal_;
  VectorXd next_;
};

Eigenpairs all_at_once(const MatrixXd& matrix, Index count) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix);
  return {solver.eigenvalues().tail(count).reverse(),
          solver.eigenvectors().rightCols(count).rowwise().reverse()};
}

}  // namespace

Eigenpairs top_eigenpairs(const MatrixXd& matrix, std::int64_t count, int n_threads) {
  if (matrix.rows() <= kDenseEigenLimit) return all_at_once(matrix, count);
  Lanczos lanczos(matrix, n_threads);
  Eigenpairs found;
  // A check costs O(steps^3), so the checks come at growing distances.
  for (Index check = std::min<Index>(matrix.rows(), 2 * count + 32);;
       check = std::min(matrix.rows(), check + check / 4)) {
    while (lanczos.steps() < check) lanczos.step();
    if (lanczos.solve(count, found)) return found;
  }
}

}  // namespace maskclass
