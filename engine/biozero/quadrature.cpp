#include "engine/biozero/quadrature.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

namespace maskclass {
namespace {

/// Points per partial sum: fixed, so that sums do not depend on the number of threads.
constexpr std::int64_t kBlock = 8192;

/// sum of term(i) over i in [0, n), in blocks summed in order.
template <class Term>
double sum_over(std::int64_t n, int n_threads, const Term& term) {
  std::vector<double> partial((n + kBlock - 1) / kBlock);
#pragma omp parallel for num_threads(n_threads) if (n > kBlock)
  for (std::int64_t block = 0; block < std::ssize(partial); ++block) {
    double sum = 0;
    const std::int64_t end = std::min(n, (block + 1) * kBlock);
    for (std::int64_t i = block * kBlock; i < end; ++i) sum += term(i);
    partial[block] = sum;
  }
  double total = 0;
  for (const double sum : partial) total += sum;
  return total;
}

/// The distinct values with their frequencies, or an empty rule where there are more than `limit`.
Quadrature distinct_values(std::span<const double> points, int limit) {
  std::map<double, std::int64_t> frequency;
  for (const double point : points) {
    ++frequency[point];
    if (std::ssize(frequency) > limit) return {};
  }
  Quadrature rule;
  for (const auto& [value, count] : frequency) {
    rule.nodes.push_back(value);
    rule.weights.push_back(static_cast<double>(count) / static_cast<double>(points.size()));
  }
  return rule;
}

/// The three-term recurrence of the orthonormal polynomials of the measure, as a Jacobi matrix.
/// Without reorthogonalisation: rounding then perturbs the rule as if the points had moved by a few
/// ulp (Greenbaum 1989), which is all that is asked of it.
struct JacobiMatrix {
  std::vector<double> diagonal;
  std::vector<double> off_diagonal;
};

JacobiMatrix lanczos(std::span<const double> points, int n_nodes, int n_threads) {
  const auto n = std::ssize(points);
  const auto [low, high] = std::minmax_element(points.begin(), points.end());
  const double negligible = 1e-14 * (*high - *low);
  std::vector<double> previous(n, 0.0);
  std::vector<double> current(n, 1 / std::sqrt(static_cast<double>(n)));
  JacobiMatrix matrix;
  double coupling = 0;  // between the previous polynomial and the current one
  while (true) {
    const double centre =
        sum_over(n, n_threads, [&](std::int64_t i) { return points[i] * current[i] * current[i]; });
    matrix.diagonal.push_back(centre);
    if (std::ssize(matrix.diagonal) == n_nodes) return matrix;
    const double squared_norm = sum_over(n, n_threads, [&](std::int64_t i) {
      previous[i] = (points[i] - centre) * current[i] - coupling * previous[i];
      return previous[i] * previous[i];
    });
    coupling = std::sqrt(squared_norm);
    if (!(coupling > negligible)) return matrix;
    matrix.off_diagonal.push_back(coupling);
    previous.swap(current);
#pragma omp parallel for num_threads(n_threads) if (n > kBlock)
    for (std::int64_t i = 0; i < n; ++i) current[i] /= coupling;
  }
}

}  // namespace

Quadrature gauss_quadrature(std::span<const double> points, int n_nodes, int n_threads) {
  Quadrature rule = distinct_values(points, n_nodes);
  if (!rule.nodes.empty()) return rule;

  JacobiMatrix matrix = lanczos(points, n_nodes, n_threads);
  const auto size = std::ssize(matrix.diagonal);
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(Eigen::Map<Eigen::VectorXd>(matrix.diagonal.data(), size),
                                Eigen::Map<Eigen::VectorXd>(matrix.off_diagonal.data(), size - 1));
  for (std::int64_t k = 0; k < size; ++k) {
    rule.nodes.push_back(solver.eigenvalues()(k));
    rule.weights.push_back(std::pow(solver.eigenvectors()(0, k), 2));
  }
  return rule;
}

}  // namespace maskclass
