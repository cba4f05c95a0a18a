#pragma once

#include <span>
#include <vector>

namespace maskclass {

/// A rule that replaces a mean over cells by a short weighted sum:
/// mean_i g(u_i) = sum_k weights[k] g(nodes[k]).
struct Quadrature {
  std::vector<double> nodes;    ///< Ascending, within the range of the points.
  std::vector<double> weights;  ///< Positive; they sum to 1.
};

/// The Gauss rule of the empirical measure of `points`: exact for every polynomial of degree up to
/// 2 n_nodes - 1, and exact for every function where the points take at most n_nodes distinct
/// values (the rule is then those values with their frequencies). Points must be finite and not
/// empty. Golub & Welsch 1969, with the Jacobi matrix from the Lanczos recurrence on the points.
/// Memory: 2 doubles a point. The result does not depend on `n_threads`.
Quadrature gauss_quadrature(std::span<const double> points, int n_nodes, int n_threads);

}  // namespace maskclass
