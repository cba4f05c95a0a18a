#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace maskclass {

struct Eigenpairs {
  Eigen::VectorXd values;   ///< [count], descending.
  Eigen::MatrixXd vectors;  ///< [n][count], orthonormal columns.
};

/// Matrices up to this size are decomposed whole (Eigen's SelfAdjointEigenSolver, O(n^3)).
inline constexpr Eigen::Index kDenseEigenLimit = 512;

/// The `count` largest eigenvalues of a symmetric positive semidefinite matrix [n][n], both
/// triangles filled, and their vectors. Above kDenseEigenLimit by Lanczos iterations with full
/// reorthogonalisation, until the residual |A v - lambda v| of each is below 1e-10 of the largest
/// eigenvalue (Parlett, The Symmetric Eigenvalue Problem, chapter 13). The bits do not depend on
/// n_threads.
Eigenpairs top_eigenpairs(const Eigen::MatrixXd& matrix, std::int64_t count, int n_threads);

}  // namespace maskclass
