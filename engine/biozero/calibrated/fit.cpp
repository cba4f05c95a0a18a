#include "engine/biozero/calibrated/fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/biozero/calibrated/residuals.h"
#include "engine/first_error.h"
#include "engine/math.h"
#include "engine/preprocess/quantile.h"

namespace maskclass::calibrated {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kMostSteps = 60;
constexpr int kReweightedSteps = 9;
constexpr int kReweightedWarmSteps = 5;      ///< ... from a start near the end.
constexpr double kConverged = 1e-5;          ///< Relative fall of the objective.
constexpr double kLongestStep = 1;           ///< In any parameter; all are logarithms or log odds.
constexpr std::int64_t kGenesPerBlock = 32;  ///< Fixed: sums do not depend on the threads.

// Priors: normal, but for the differences of means. Weak where a data set of a hundred genes
// speaks.
constexpr double kTypicalCommon = 0.3;
constexpr double kTypicalPoisson = 0.5;
constexpr double kTrendSpread = 1.5;
constexpr double kLevelSpread = 10;
constexpr double kLogSlopeSpread = 0.7;    ///< about a slope of 1
constexpr double kClusterLevelSpread = 3;  ///< of a cluster's curve about the shared one
constexpr double kClusterSlopeSpread = 0.5;
constexpr double kMeanDifferenceScale = 0.05;  ///< of the Cauchy prior of ln(mean / shared mean)
constexpr double kLargestSlope = 8;
constexpr double kSmallestTrend = 1e-3;
constexpr double kLargestTrend = 1e3;  ///< Reads of amplified molecules spread like that.

/// Columns of the parameters that genes share: the trend, the shared curve, a curve a cluster.
constexpr std::int64_t kTrendColumn = 0;
constexpr std::int64_t kSharedCurveColumn = 2;
constexpr std::int64_t kFirstCurveColumn = 4;

/// A point in the space of all parameters.
struct Point {
  Model model;
  std::vector<double> shared_log_mean;  // [n_genes]
  double shared_level = 0;              // at ln lambda = centre
  double shared_log_slope = 0;
};

/// What is held while a step is sought: weights of residuals, and of priors by the last fit.
struct Weights {
  std::vector<Whitening> whitening;     // [n_clusters][n_genes]
  std::vector<double> mean_difference;  // [n_clusters][n_genes]: precision of the prior
  double log_factor = 1 / (0.3 * 0.3);  // precision of the prior
};

/// The normal equations with the genes eliminated.
struct SharedSystem {
  MatrixXd matrix;
  VectorXd right;
};

/// The normal equations of a gene's own parameters: [ln factor, ln shared mean, ln mean of each
/// cluster].
struct GeneSystem {
  MatrixXd own;
  MatrixXd mixed;  // [own][shared]
  VectorXd right;
};

class Fit {
 public:
  Fit(const Statistics& statistics, const FitOptions& options);
  Model run(const Model* near);

 private:
  std::int64_t n_clusters() const { return statistics_.n_clusters; }
  std::int64_t n_genes() const { return statistics_.n_genes; }
  std::int64_t n_shared() const {
    return options_.dropout ? kFirstCurveColumn + 2 * n_clusters() : kSharedCurveColumn;
  }
  std::int64_t n_own() const { return 2 + n_clusters(); }
  double level(const Point& point, std::int64_t cluster) const {
    const LogisticDropout& curve = point.model.dropout[cluster];
    return curve.level - curve.slope * centre_;
  }

  Point start() const;
  void start_near(const Model& model, Point& point) const;
  std::vector<Predicted> predict_all(const Point& point) const;
  void update_whitening(const std::vector<Predicted>& predicted, Weights& weights) const;
  double objective(const Point& point, const std::vector<Predicted>& predicted,
                   const Weights& weights) const;
  double prior_objective(const Point& point) const;
  void add_priors(const Point& point, SharedSystem& system) const;
  GeneSystem gene_system(const Point& point, const std::vector<Predicted>& predicted,
                         const Weights& weights, std::int64_t gene, SharedSystem& shared) const;
  GeneSystem eliminate(const Point& point, const std::vector<Predicted>& predicted,
                       const Weights& weights, double damping, std::int64_t gene,
                       SharedSystem& shared, SharedSystem& eliminated, Weights* next,
                       double& factor_variance) const;
  /// The step of every parameter; updates the precisions of the priors from the posterior variances
  /// on the way where `next` is given.
  Point stepped(const Point& point, const std::vector<Predicted>& predicted, const Weights& weights,
                double damping, Weights* next) const;
  void move_shared(Point& point, const VectorXd& step) const;

  const Statistics& statistics_;
  FitOptions options_;
  double centre_ = 0;
};

/// The median of ln mean of the non-zeros over all genes that have any.
double typical_log_mean(const Statistics& statistics) {
  std::vector<double> log_mean;
  for (const GeneStatistics& gene : statistics.genes) {
    if (gene.n_nonzeros > 0) log_mean.push_back(std::log(gene.mean));
  }
  return log_mean.empty() ? 0 : quantile(std::span(log_mean), 0.5);
}

Fit::Fit(const Statistics& statistics, const FitOptions& options)
    : statistics_(statistics), options_(options), centre_(typical_log_mean(statistics)) {}

Point Fit::start() const {
  Point point;
  Model& model = point.model;
  model.n_genes = n_genes();
  model.expression_share = options_.expression_share;
  model.trend = {kTypicalCommon, kTypicalPoisson};
  model.log_factor.assign(n_genes(), 0.0);
  model.log_mean.resize(statistics_.genes.size());
  point.shared_log_mean.assign(n_genes(), 0.0);
  std::vector<double> log_odds;
  for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
    double sum = 0;
    double n_nonzeros = 0;
    double n_entries = 0;
    for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
      const GeneStatistics& one = statistics_.genes[cluster * n_genes() + gene];
      sum += one.n_nonzeros * one.mean;
      n_nonzeros += one.n_nonzeros;
      n_entries += one.n_entries;
    }
    // Without any non-zero: half a count in all cells.
    const double overall = n_nonzeros > 0 ? sum / (options_.dropout ? n_nonzeros : n_entries)
                                          : 0.5 / std::max(1.0, n_entries);
    point.shared_log_mean[gene] = std::log(overall);
    if (n_nonzeros > 0 && n_entries > n_nonzeros) {
      log_odds.push_back(std::log((n_entries - n_nonzeros) / n_nonzeros));
    }
    for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
      const GeneStatistics& one = statistics_.genes[cluster * n_genes() + gene];
      const double own =
          options_.dropout ? one.mean : one.mean * one.n_nonzeros / std::max(1.0, one.n_entries);
      // As if five values of the shared mean had been seen as well.
      model.log_mean[cluster * n_genes() + gene] =
          std::log((one.n_nonzeros * own + 5 * overall) / (one.n_nonzeros + 5));
    }
  }
  point.shared_level = log_odds.empty() ? -3 : quantile(std::span(log_odds), 0.5) - 0.5;
  model.dropout.assign(n_clusters(), {point.shared_level + centre_, 1.0, options_.dropout});
  return point;
}

/// Trend, factors and curve of a model of the same genes; its means and curves by cluster where it
/// has the same number of clusters.
void Fit::start_near(const Model& model, Point& point) const {
  point.model.trend = model.trend;
  point.model.log_factor = model.log_factor;
  const bool same_clusters = model.n_clusters() == n_clusters();
  if (same_clusters) point.model.log_mean = model.log_mean;
  if (!options_.dropout || !model.dropout[0].present) return;
  for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
    point.model.dropout[cluster] = model.dropout[same_clusters ? cluster : 0];
  }
  point.shared_level = level(point, 0);
  point.shared_log_slope = std::log(model.dropout[0].slope);
}

std::vector<Predicted> Fit::predict_all(const Point& point) const {
  std::vector<Predicted> predicted(statistics_.genes.size());
#pragma omp parallel for num_threads(options_.n_threads) schedule(dynamic, 64)
  for (std::size_t at = 0; at < predicted.size(); ++at) {
    const std::int64_t cluster = static_cast<std::int64_t>(at) / n_genes();
    predicted[at] = predict(point.model, cluster, static_cast<std::int64_t>(at) % n_genes(),
                            statistics_.log_library[cluster], centre_);
  }
  return predicted;
}

void Fit::update_whitening(const std::vector<Predicted>& predicted, Weights& weights) const {
  weights.whitening.resize(predicted.size());
  for (std::size_t at = 0; at < predicted.size(); ++at) {
    weights.whitening[at] = whitening_of(statistics_.genes[at], predicted[at]);
  }
}

double Fit::prior_objective(const Point& point) const {
  double sum = squared(std::log(point.model.trend.common / kTypicalCommon) / kTrendSpread) +
               squared(std::log(point.model.trend.poisson / kTypicalPoisson) / kTrendSpread);
  if (!options_.dropout) return sum;
  sum += squared(point.shared_level / kLevelSpread) +
         squared(point.shared_log_slope / kLogSlopeSpread);
  for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
    const double log_slope = std::log(point.model.dropout[cluster].slope);
    sum += squared((level(point, cluster) - point.shared_level) / kClusterLevelSpread) +
           squared((log_slope - point.shared_log_slope) / kClusterSlopeSpread);
  }
  return sum;
}

double Fit::objective(const Point& point, const std::vector<Predicted>& predicted,
                      const Weights& weights) const {
  double sum = prior_objective(point);
  for (std::size_t at = 0; at < predicted.size(); ++at) {
    const auto gene = static_cast<std::int64_t>(at) % n_genes();
    for (const double r : residuals(statistics_.genes[at], predicted[at], weights.whitening[at])) {
      sum += r * r;
    }
    sum += weights.mean_difference[at] *
           squared(point.model.log_mean[at] - point.shared_log_mean[gene]);
  }
  for (const double factor : point.model.log_factor) sum += weights.log_factor * squared(factor);
  return sum;
}

/// Adds the square of (x - y) / spread, where x and y are columns of the system and `difference` is
/// their value; y < 0: x alone.
void add_prior(SharedSystem& system, std::int64_t x, std::int64_t y, double difference,
               double spread) {
  const double precision = 1 / squared(spread);
  system.matrix(x, x) += precision;
  system.right(x) -= precision * difference;
  if (y < 0) return;
  system.matrix(y, y) += precision;
  system.matrix(x, y) -= precision;
  system.matrix(y, x) -= precision;
  system.right(y) += precision * difference;
}

void Fit::add_priors(const Point& point, SharedSystem& system) const {
  const DispersionTrend& trend = point.model.trend;
  add_prior(system, 0, -1, std::log(trend.common / kTypicalCommon), kTrendSpread);
  add_prior(system, 1, -1, std::log(trend.poisson / kTypicalPoisson), kTrendSpread);
  if (!options_.dropout) return;
  add_prior(system, kSharedCurveColumn, -1, point.shared_level, kLevelSpread);
  add_prior(system, kSharedCurveColumn + 1, -1, point.shared_log_slope, kLogSlopeSpread);
  for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
    const std::int64_t column = kFirstCurveColumn + 2 * cluster;
    const double log_slope = std::log(point.model.dropout[cluster].slope);
    add_prior(system, column, kSharedCurveColumn, level(point, cluster) - point.shared_level,
              kClusterLevelSpread);
    add_prior(system, column + 1, kSharedCurveColumn + 1, log_slope - point.shared_log_slope,
              kClusterSlopeSpread);
  }
}

GeneSystem Fit::gene_system(const Point& point, const std::vector<Predicted>& predicted,
                            const Weights& weights, std::int64_t gene, SharedSystem& shared) const {
  GeneSystem system{MatrixXd::Zero(n_own(), n_own()), MatrixXd::Zero(n_own(), n_shared()),
                    VectorXd::Zero(n_own())};
  system.own(0, 0) = weights.log_factor;
  system.right(0) = -weights.log_factor * point.model.log_factor[gene];
  // Keeps the shared mean of a single cluster, which nothing else holds, where it is.
  system.own(1, 1) = 1e-6;
  const int n_columns = options_.dropout ? 4 : 2;
  for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
    const std::int64_t at = cluster * n_genes() + gene;
    const auto r = residuals(statistics_.genes[at], predicted[at], weights.whitening[at]);
    const auto j = jacobian(predicted[at], weights.whitening[at]);
    const std::array<std::int64_t, 2> own = {2 + cluster, 0};
    const std::array<std::int64_t, 4> columns = {kTrendColumn, kTrendColumn + 1,
                                                 kFirstCurveColumn + 2 * cluster,
                                                 kFirstCurveColumn + 2 * cluster + 1};
    for (int k = 0; k < 3; ++k) {
      for (int p = 0; p < 2; ++p) {
        system.right(own[p]) += j[k][p] * r[k];
        for (int q = 0; q < 2; ++q) system.own(own[p], own[q]) += j[k][p] * j[k][q];
        for (int q = 0; q < n_columns; ++q)
          system.mixed(own[p], columns[q]) += j[k][p] * j[k][2 + q];
      }
      for (int p = 0; p < n_columns; ++p) {
        shared.right(columns[p]) += j[k][2 + p] * r[k];
        for (int q = 0; q < n_columns; ++q) {
          shared.matrix(columns[p], columns[q]) += j[k][2 + p] * j[k][2 + q];
        }
      }
    }
    const double precision = weights.mean_difference[at];
    const double difference = point.model.log_mean[at] - point.shared_log_mean[gene];
    system.own(2 + cluster, 2 + cluster) += precision;
    system.own(1, 1) += precision;
    system.own(1, 2 + cluster) -= precision;
    system.own(2 + cluster, 1) -= precision;
    system.right(2 + cluster) -= precision * difference;
    system.right(1) += precision * difference;
  }
  return system;
}

double bounded(double step) {
  return std::isfinite(step) ? std::clamp(step, -kLongestStep, kLongestStep) : 0.0;
}

void Fit::move_shared(Point& point, const VectorXd& step) const {
  DispersionTrend& trend = point.model.trend;
  trend.common =
      std::clamp(trend.common * std::exp(bounded(step(0))), kSmallestTrend, kLargestTrend);
  trend.poisson =
      std::clamp(trend.poisson * std::exp(bounded(step(1))), kSmallestTrend, kLargestTrend);
  if (!options_.dropout) return;
  point.shared_level += bounded(step(kSharedCurveColumn));
  point.shared_log_slope += bounded(step(kSharedCurveColumn + 1));
  for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
    const std::int64_t column = kFirstCurveColumn + 2 * cluster;
    LogisticDropout& curve = point.model.dropout[cluster];
    const double new_level = level(point, cluster) + bounded(step(column));
    curve.slope =
        std::clamp(curve.slope * std::exp(bounded(step(column + 1))), 0.05, kLargestSlope);
    curve.level = new_level + curve.slope * centre_;
  }
}

/// Eliminates a gene's own parameters from the normal equations; where `next` is given, also renews
/// the precisions of its priors by their posterior variances.
GeneSystem Fit::eliminate(const Point& point, const std::vector<Predicted>& predicted,
                          const Weights& weights, double damping, std::int64_t gene,
                          SharedSystem& shared, SharedSystem& eliminated, Weights* next,
                          double& factor_variance) const {
  GeneSystem system = gene_system(point, predicted, weights, gene, shared);
  system.own.diagonal() *= 1 + damping;
  const Eigen::LLT<MatrixXd> factors(system.own);
  if (next != nullptr) {
    const MatrixXd covariance = factors.solve(MatrixXd::Identity(n_own(), n_own()));
    factor_variance = covariance(0, 0);
    for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
      const std::int64_t at = cluster * n_genes() + gene;
      const double variance =
          covariance(2 + cluster, 2 + cluster) + covariance(1, 1) - 2 * covariance(1, 2 + cluster);
      const double difference = point.model.log_mean[at] - point.shared_log_mean[gene];
      next->mean_difference[at] =
          2 / (squared(kMeanDifferenceScale) + squared(difference) + std::max(0.0, variance));
    }
  }
  const MatrixXd solved = factors.solve(system.mixed);
  eliminated.matrix.noalias() += system.mixed.transpose() * solved;
  eliminated.right.noalias() += solved.transpose() * system.right;
  return system;
}

Point Fit::stepped(const Point& point, const std::vector<Predicted>& predicted,
                   const Weights& weights, double damping, Weights* next) const {
  const std::int64_t n_blocks = (n_genes() + kGenesPerBlock - 1) / kGenesPerBlock;
  const SharedSystem empty{MatrixXd::Zero(n_shared(), n_shared()), VectorXd::Zero(n_shared())};
  // Two sums a block: of what residuals say, and of what eliminating the genes takes away.
  std::vector<SharedSystem> partial(n_blocks, empty);
  std::vector<SharedSystem> eliminated(n_blocks, empty);
  std::vector<GeneSystem> genes(n_genes());
  std::vector<double> factor_variance(n_genes());
  FirstError error;
#pragma omp parallel for num_threads(options_.n_threads) schedule(dynamic, 1)
  for (std::int64_t block = 0; block < n_blocks; ++block) {
    const std::int64_t end = std::min(n_genes(), (block + 1) * kGenesPerBlock);
    for (std::int64_t gene = block * kGenesPerBlock; gene < end; ++gene) {
      error.guard([&] {
        genes[gene] = eliminate(point, predicted, weights, damping, gene, partial[block],
                                eliminated[block], next, factor_variance[gene]);
      });
    }
  }
  error.rethrow();
  SharedSystem total = empty;
  add_priors(point, total);
  for (const SharedSystem& sum : partial) {
    total.matrix += sum.matrix;
    total.right += sum.right;
  }
  total.matrix.diagonal() *= 1 + damping;
  for (const SharedSystem& sum : eliminated) {
    total.matrix -= sum.matrix;
    total.right -= sum.right;
  }
  const VectorXd step = total.matrix.ldlt().solve(total.right);

  Point moved = point;
  move_shared(moved, step);
  for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
    const GeneSystem& system = genes[gene];
    const VectorXd own = system.own.llt().solve(system.right - system.mixed * step);
    moved.model.log_factor[gene] =
        std::clamp(point.model.log_factor[gene] + bounded(own(0)), -4.0, 4.0);
    moved.shared_log_mean[gene] += bounded(own(1));
    for (std::int64_t cluster = 0; cluster < n_clusters(); ++cluster) {
      double& log_mean = moved.model.log_mean[cluster * n_genes() + gene];
      log_mean = std::clamp(log_mean + bounded(own(2 + cluster)), -30.0, 30.0);
    }
  }
  if (next != nullptr) {
    double sum = 0;
    for (std::int64_t gene = 0; gene < n_genes(); ++gene) {
      sum += squared(point.model.log_factor[gene]) + factor_variance[gene];
    }
    const double variance = sum / static_cast<double>(std::max<std::int64_t>(1, n_genes()));
    next->log_factor = 1 / std::clamp(variance, 0.02 * 0.02, 1.0);
  }
  return moved;
}

/// Precisions half way, in their logarithm, from the old ones to the new: reweighting that
/// overshoots would swing for ever.
void settle(Weights& next, const Weights& last) {
  for (std::size_t at = 0; at < next.mean_difference.size(); ++at) {
    next.mean_difference[at] = std::sqrt(next.mean_difference[at] * last.mean_difference[at]);
  }
  next.log_factor = std::sqrt(next.log_factor * last.log_factor);
}

Model Fit::run(const Model* near) {
  Point point = start();
  const int reweighted_steps = near == nullptr ? kReweightedSteps : kReweightedWarmSteps;
  if (near != nullptr) start_near(*near, point);
  std::vector<Predicted> predicted = predict_all(point);
  Weights weights;
  weights.mean_difference.assign(predicted.size(), 2 / squared(0.3));
  double damping = 1e-2;
  for (int step = 0; step < kMostSteps; ++step) {
    // Weights follow the first steps; then they are held, so that what is left is least squares.
    const bool reweight = step < reweighted_steps;
    if (reweight) update_whitening(predicted, weights);
    const double before = objective(point, predicted, weights);
    Weights next = weights;
    bool moved = false;
    double after = before;
    for (int attempt = 0; attempt < 8 && !moved; ++attempt) {
      Point trial =
          stepped(point, predicted, weights, damping, reweight && attempt == 0 ? &next : nullptr);
      std::vector<Predicted> trial_predicted = predict_all(trial);
      after = objective(trial, trial_predicted, weights);
      if (after < before) {
        point = std::move(trial);
        predicted = std::move(trial_predicted);
        damping = std::max(damping / 10, 1e-8);
        moved = true;
      } else {
        damping *= 10;
      }
    }
    if (!reweight && (!moved || before - after < kConverged * before)) break;
    settle(next, weights);
    weights = std::move(next);
  }
  return std::move(point.model);
}

}  // namespace

Model fit_model(const Statistics& statistics, const FitOptions& options) {
  return Fit(statistics, options).run(options.near);
}

}  // namespace maskclass::calibrated
