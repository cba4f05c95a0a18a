#include "engine/preprocess/variance_curve.h"

#include <Eigen/QR>
#include <algorithm>
#include <limits>
#include <optional>

namespace maskclass {
namespace {

constexpr int kParameters = 3;
constexpr int kMaxIterations = 500;
constexpr double kRelativeOffsetTolerance = 1e-5;
constexpr double kSmallestStep = 1.0 / 1024;
/// R's `qr` counts a column as dependent where this share of its norm is left.
constexpr double kRankTolerance = 1e-7;

/// Unweighted sum of (v - A m / (m^K + B))^2.
double squared_error(std::span<const double> means, std::span<const double> variances, double A,
                     double B, double K) {
  double sum = 0;
  for (std::size_t gene = 0; gene < means.size(); ++gene) {
    const double residual = variances[gene] - A * means[gene] / (std::pow(means[gene], K) + B);
    sum += residual * residual;
  }
  return sum;
}

/// Gradient of the least-squares line through the origin over the lowest min(100, n / 10) means.
double initial_gradient(std::span<const double> means, std::span<const double> variances) {
  const std::size_t n = std::clamp<std::size_t>(means.size() / 10, 1, 100);
  double products = 0;
  double squares = 0;
  for (std::size_t gene = 0; gene < n; ++gene) {
    products += means[gene] * variances[gene];
    squares += means[gene] * means[gene];
  }
  return products / squares;
}

/// The problem linearised at one curve, as the triangle of a QR decomposition.
struct Linearised {
  double deviance = 0;           ///< Weighted sum of squared residuals.
  Eigen::Matrix3d triangle;      ///< R of the gradient's QR decomposition.
  Eigen::Vector3d projected;     ///< Q' r: the part of the residuals that a step can remove.
  double remaining_squared = 0;  ///< Squared norm of the rest.
  bool is_singular = false;

  Eigen::Vector3d step() const { return triangle.triangularView<Eigen::Upper>().solve(projected); }
  /// How far the residuals are from orthogonal to the tangent plane; 0 at the optimum.
  double relative_offset() const { return std::sqrt(projected.squaredNorm() / remaining_squared); }
};

/// None where the curve or its gradient is not finite.
std::optional<Linearised> linearise(std::span<const double> means,
                                    std::span<const double> variances,
                                    std::span<const double> weights, const VarianceCurve& curve) {
  const auto n = static_cast<Eigen::Index>(means.size());
  // Columns: the gradient by a, b and k, and the residuals, decomposed together.
  Eigen::Matrix<double, Eigen::Dynamic, kParameters + 1> columns(n, kParameters + 1);
  const double B = std::exp(curve.b);
  const double K = 1 + std::exp(curve.k);
  for (Eigen::Index gene = 0; gene < n; ++gene) {
    const double mean = means[gene];
    const double root_weight = std::sqrt(weights[gene]);
    const double value = curve(mean);
    const double share_of_b = B / (std::pow(mean, K) + B);
    columns(gene, 0) = root_weight * value;
    columns(gene, 1) = -root_weight * value * share_of_b;
    columns(gene, 2) = -root_weight * value * (1 - share_of_b) * std::log(mean) * (K - 1);
    columns(gene, 3) = root_weight * (variances[gene] - value);
  }
  if (!columns.allFinite()) return std::nullopt;

  Linearised result;
  result.deviance = columns.col(kParameters).squaredNorm();
  const Eigen::HouseholderQR<decltype(columns)> qr(columns);
  const auto& packed = qr.matrixQR();
  result.triangle = packed.topLeftCorner<kParameters, kParameters>();
  result.projected = packed.col(kParameters).head<kParameters>();
  result.remaining_squared = packed(kParameters, kParameters) * packed(kParameters, kParameters);
  for (int column = 0; column < kParameters; ++column) {
    const double left = std::abs(packed(column, column));
    if (!(left > kRankTolerance * columns.col(column).norm())) result.is_singular = true;
  }
  return result;
}

VarianceCurve moved(const VarianceCurve& curve, const Eigen::Vector3d& step, double length) {
  return {curve.a + length * step[0], curve.b + length * step[1], curve.k + length * step[2]};
}

}  // namespace

VarianceCurve starting_curve(std::span<const double> means, std::span<const double> variances) {
  constexpr int kGridPoints = 10;
  const double gradient = initial_gradient(means, variances);
  double best_B = 0;
  double best_K = 0;
  double smallest = std::numeric_limits<double>::infinity();
  for (int j = 0; j < kGridPoints; ++j) {
    const double K = std::exp2(10.0 * j / (kGridPoints - 1));
    for (int i = 0; i < kGridPoints; ++i) {
      const double B = std::exp2(-5.0 + 10.0 * i / (kGridPoints - 1));
      const double error = squared_error(means, variances, gradient * B, B, K);
      if (best_B > 0 && !(error < smallest)) continue;
      smallest = error;
      best_B = B;
      best_K = K;
    }
  }
  // K = 1 is the edge of what e^k reaches.
  return {std::log(gradient * best_B), std::log(best_B), std::log(std::max(1e-8, best_K - 1))};
}

VarianceCurve fit_curve(std::span<const double> means, std::span<const double> variances,
                        std::span<const double> weights, const VarianceCurve& start) {
  if (means.size() <= kParameters) return start;
  VarianceCurve curve = start;
  std::optional<Linearised> here = linearise(means, variances, weights, curve);
  if (!here || here->is_singular) return start;
  double length = 1;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    if (here->relative_offset() <= kRelativeOffsetTolerance) return curve;
    const Eigen::Vector3d step = here->step();
    for (;; length /= 2) {
      if (length < kSmallestStep) return start;
      const VarianceCurve next = moved(curve, step, length);
      std::optional<Linearised> there = linearise(means, variances, weights, next);
      if (!there || there->is_singular) return start;
      if (there->deviance <= here->deviance) {
        curve = next;
        here = there;
        length = std::min(2 * length, 1.0);
        break;
      }
    }
  }
  return start;
}

}  // namespace maskclass
