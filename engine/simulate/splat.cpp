#include "engine/simulate/splat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/error.h"
#include "engine/math.h"
#include "engine/simulate/distributions.h"
#include "engine/simulate/draws.h"

namespace maskclass::simulate {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw usage_error("simulation: " + what);
}

bool is_probability(double value) {
  return value >= 0 && value <= 1;
}

void check_factor(const FactorParameters& factor, const std::string& name) {
  require(is_probability(factor.probability), name + " probability must be between 0 and 1");
  require(is_probability(factor.down_probability),
          name + " down probability must be between 0 and 1");
  require(std::isfinite(factor.location), name + " location must be a finite number");
  require(std::isfinite(factor.scale) && factor.scale >= 0,
          name + " scale must be a finite number of at least 0");
}

void check_weights(const std::vector<double>& weights, const std::string& name) {
  require(!weights.empty(), name + " must have at least one value");
  double sum = 0;
  for (const double weight : weights) {
    require(std::isfinite(weight) && weight > 0, name + " must be positive numbers");
    sum += weight;
  }
  require(std::isfinite(sum), name + " add up to infinity");
}

void check_parameters(const SplatParameters& p) {
  constexpr std::int64_t kMaximum = std::numeric_limits<std::int32_t>::max();
  require(p.n_cells >= 1 && p.n_cells <= kMaximum, "the number of cells must be 1 to 2^31 - 1");
  require(p.n_genes >= 1 && p.n_genes <= kMaximum, "the number of genes must be 1 to 2^31 - 1");
  check_weights(p.group_proportions, "group proportions");
  check_weights(p.batch_proportions, "batch proportions");
  require(std::ssize(p.batch_proportions) <= p.n_cells, "there are more batches than cells");
  require(std::isfinite(p.library_location), "library location must be a finite number");
  require(std::isfinite(p.library_scale) && p.library_scale >= 0,
          "library scale must be a finite number of at least 0");
  require(std::isfinite(p.mean_shape) && p.mean_shape > 0, "mean shape must be positive");
  require(std::isfinite(p.mean_rate) && p.mean_rate > 0, "mean rate must be positive");
  check_factor(p.outlier, "outlier");
  check_factor(p.batch_factor, "batch factor");
  check_factor(p.group_factor, "differential expression");
  require(std::isfinite(p.bcv_common) && p.bcv_common >= 0, "BCV must be at least 0");
  require(p.bcv_degrees_of_freedom > 0, "the degrees of freedom of the BCV must be positive");
  require(std::isfinite(p.dropout_midpoint_low) && std::isfinite(p.dropout_midpoint_high) &&
              p.dropout_midpoint_low <= p.dropout_midpoint_high,
          "the range of dropout midpoints is not a range");
  require(std::isfinite(p.dropout_shape_low) && std::isfinite(p.dropout_shape_high) &&
              p.dropout_shape_low <= p.dropout_shape_high,
          "the range of dropout shapes is not a range");
}

/// One LNF factor of (cell, gene), where the cell stands for a group or batch.
double draw_factor(const FactorParameters& parameters, std::uint64_t seed, Draw draw,
                   std::uint32_t cell, std::int64_t gene) {
  if (uniform(seed, draw, cell, gene) >= parameters.probability) return 1;
  const bool down = uniform(seed, next(draw, 1), cell, gene) < parameters.down_probability;
  const double z = normal_quantile(uniform(seed, next(draw, 2), cell, gene));
  // Splat turns the direction round where F < 1, so F^sign is F or its inverse, whichever is on
  // the side of 1 that was drawn.
  const double size = std::exp(std::abs(parameters.location + parameters.scale * z));
  return down ? 1 / size : size;
}

void draw_gene_means(Generator& generator, const SplatParameters& p, std::uint64_t seed) {
  generator.gene_mean.resize(p.n_genes);
  for (std::int64_t gene = 0; gene < p.n_genes; ++gene) {
    const double u = uniform(seed, Draw::gene_mean, 0, gene);
    generator.gene_mean[gene] = gamma_quantile(p.mean_shape, {u, 1 - u}) / p.mean_rate;
  }
  const double middle = median(generator.gene_mean);
  for (std::int64_t gene = 0; gene < p.n_genes; ++gene) {
    const double factor = draw_factor(p.outlier, seed, Draw::outlier, 0, gene);
    if (factor != 1) generator.gene_mean[gene] = middle * factor;
  }
}

std::vector<double> draw_factors(const FactorParameters& parameters, std::uint64_t seed, Draw draw,
                                 std::uint32_t cell, std::int64_t n_genes) {
  std::vector<double> factors(n_genes);
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    factors[gene] = draw_factor(parameters, seed, draw, cell, gene);
  }
  return factors;
}

void draw_dispersions(Generator& generator, const SplatParameters& p, std::uint64_t seed) {
  generator.bcv_common = p.bcv_common;
  generator.dispersion_factor.assign(p.n_genes, 1);
  const double df = p.bcv_degrees_of_freedom;
  if (!std::isfinite(df)) return;
  for (std::int64_t gene = 0; gene < p.n_genes; ++gene) {
    const double u = uniform(seed, Draw::dispersion, 0, gene);
    const double chi_squared = 2 * gamma_quantile(df / 2, {u, 1 - u});
    require(chi_squared > 0, "the degrees of freedom of the BCV are too few");
    generator.dispersion_factor[gene] = std::sqrt(df / chi_squared);
  }
}

/// Given values (one, or one a curve), or uniform draws.
std::vector<double> dropout_values(const std::vector<double>& given, std::size_t n_curves,
                                   double low, double high, std::uint64_t seed, Draw draw,
                                   const std::string& name) {
  if (given.size() == 1) return std::vector<double>(n_curves, given[0]);
  if (!given.empty()) {
    require(given.size() == n_curves, name + ": give one value, or " + std::to_string(n_curves) +
                                          ", one for each that has a curve");
    return given;
  }
  std::vector<double> values(n_curves);
  for (std::size_t curve = 0; curve < n_curves; ++curve) {
    const double u = uniform(seed, draw, static_cast<std::uint32_t>(curve), 0);
    values[curve] = low + (high - low) * u;
  }
  return values;
}

void draw_dropout_curves(Generator& generator, const SplatParameters& p, std::uint64_t seed) {
  generator.dropout_type = p.dropout_type;
  if (p.dropout_type == DropoutType::none) {
    require(p.dropout_midpoint.empty() && p.dropout_shape.empty(),
            "dropout parameters are given but the dropout type is none");
    return;
  }
  const std::size_t n_curves = p.dropout_type == DropoutType::group ? p.group_proportions.size()
                                                                    : p.batch_proportions.size();
  generator.dropout_midpoint =
      dropout_values(p.dropout_midpoint, n_curves, p.dropout_midpoint_low, p.dropout_midpoint_high,
                     seed, Draw::dropout_midpoint, "dropout midpoints");
  generator.dropout_shape =
      dropout_values(p.dropout_shape, n_curves, p.dropout_shape_low, p.dropout_shape_high, seed,
                     Draw::dropout_shape, "dropout shapes");
}

/// Upper bounds of consecutive parts of [0, 1], one a weight.
std::vector<double> cumulative_shares(const std::vector<double>& weights) {
  std::vector<double> bounds(weights.size());
  std::partial_sum(weights.begin(), weights.end(), bounds.begin());
  const double sum = bounds.back();
  for (double& bound : bounds) bound /= sum;
  bounds.back() = 1;
  return bounds;
}

void draw_cells(Generator& generator, const SplatParameters& p, std::uint64_t seed) {
  const std::vector<double> group_bounds = cumulative_shares(p.group_proportions);
  const std::vector<double> batch_bounds = cumulative_shares(p.batch_proportions);
  std::int32_t batch = 0;
  for (std::int64_t cell = 0; cell < p.n_cells; ++cell) {
    const auto id = static_cast<std::uint32_t>(cell);
    const double u = uniform(seed, Draw::group, id, 0);
    generator.group.push_back(static_cast<std::int32_t>(
        std::upper_bound(group_bounds.begin(), group_bounds.end() - 1, u) - group_bounds.begin()));
    // A batch ends at the rounded share of the cells, so equal batches differ by at most one.
    while (cell >= std::llround(batch_bounds[batch] * static_cast<double>(p.n_cells))) ++batch;
    generator.batch.push_back(batch);
    const double z = normal_quantile(uniform(seed, Draw::library, id, 0));
    generator.library.push_back(std::exp(p.library_location + p.library_scale * z));
  }
}

}  // namespace

SplatParameters scenario(const std::string& name) {
  SplatParameters parameters;
  parameters.dropout_type = DropoutType::group;
  if (name == "equal") {
    parameters.group_proportions = {0.5, 0.5};
  } else if (name == "unequal") {
    parameters.group_proportions = {0.6, 0.3, 0.1};
  } else if (name == "rare") {
    parameters.group_proportions = {0.5, 0.25, 0.2, 0.05};
  } else if (name == "batch") {
    parameters.group_proportions = {0.4, 0.3, 0.3};
    parameters.batch_proportions = {1, 1, 1};
    parameters.dropout_type = DropoutType::batch;
  } else {
    throw usage_error("there is no scenario '" + name + "': use equal, unequal, rare or batch");
  }
  return parameters;
}

Generator draw_generator(const SplatParameters& parameters, std::uint64_t seed) {
  check_parameters(parameters);
  Generator generator;
  generator.n_cells = parameters.n_cells;
  generator.n_genes = parameters.n_genes;
  draw_cells(generator, parameters, seed);
  draw_gene_means(generator, parameters, seed);
  const auto n_batches = static_cast<std::uint32_t>(parameters.batch_proportions.size());
  for (std::uint32_t batch = 0; batch < n_batches; ++batch) {
    // Splat draws batch factors only where there is more than one batch.
    generator.batch_factors.push_back(n_batches == 1 ? std::vector<double>(parameters.n_genes, 1)
                                                     : draw_factors(parameters.batch_factor, seed,
                                                                    Draw::batch_factor, batch,
                                                                    parameters.n_genes));
  }
  const auto n_groups = static_cast<std::uint32_t>(parameters.group_proportions.size());
  for (std::uint32_t group = 0; group < n_groups; ++group) {
    generator.group_factors.push_back(
        draw_factors(parameters.group_factor, seed, Draw::group_factor, group, parameters.n_genes));
  }
  draw_dispersions(generator, parameters, seed);
  draw_dropout_curves(generator, parameters, seed);
  generator.truth_without_batch_effects = parameters.truth_without_batch_effects && n_batches > 1;
  generator.batch_truth = parameters.batch_truth;
  check_generator(generator, "simulation: these parameters give values out of range");
  return generator;
}

Simulation simulate(const SplatParameters& parameters, std::uint64_t seed, int n_threads,
                    const Callbacks& callbacks) {
  return draw_counts(draw_generator(parameters, seed), seed, n_threads, callbacks);
}

}  // namespace maskclass::simulate
