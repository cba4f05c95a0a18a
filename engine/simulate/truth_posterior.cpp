#include "engine/simulate/truth_posterior.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <numbers>

#include "engine/error.h"
#include "engine/math.h"

namespace maskclass::simulate {
namespace {

constexpr double kSmallest = 1e-300;  // its logarithm stands for that of 0

double logarithm(double value) {
  return std::log(std::max(value, kSmallest));
}

double from_logarithm(double log_value) {
  const double value = std::exp(log_value);
  return value > 1e10 * kSmallest ? value : 0;
}

TruthCoupling coupling_of(const Generator& generator) {
  if (!generator.truth_without_batch_effects) return TruthCoupling::same;
  return generator.batch_truth == BatchTruth::coupled ? TruthCoupling::coupled
                                                      : TruthCoupling::independent;
}

GeneInCell gene_in_cell(const Generator& generator, int group, int batch, std::int64_t gene,
                        double mean, double truth_mean) {
  return {expression_distribution(generator, gene, mean),
          expression_distribution(generator, gene, truth_mean),
          dropout_curve(generator, group, batch)};
}

double dot(const double* a, const double* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

}  // namespace

std::vector<double> truth_scales(const CsrView& true_counts, std::span<const std::int32_t> genes,
                                 int n_threads) {
  std::vector<char> counts_for_library(true_counts.n_genes, 0);
  for (const std::int32_t gene : genes) counts_for_library.at(gene) = 1;
  std::vector<double> libraries(true_counts.n_cells, 0.0);
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t cell = 0; cell < true_counts.n_cells; ++cell) {
    const auto row_genes = true_counts.row_indices(cell);
    const auto row_values = true_counts.row_values(cell);
    for (std::size_t k = 0; k < row_genes.size(); ++k) {
      if (counts_for_library[row_genes[k]]) libraries[cell] += row_values[k];
    }
  }
  const double middle = median(libraries);
  for (double& library : libraries) library = library > 0 ? middle / library : 0;
  return libraries;
}

TruthPosterior::Axis::Axis(double low, double high, int n_nodes) {
  const double centre = (low + high) / 2;
  const double half = std::max((high - low) / 2, 1e-3);
  for (int k = 0; k < n_nodes; ++k) {
    const double angle = std::numbers::pi * (2 * k + 1) / (2 * n_nodes);
    nodes_.push_back(centre + half * std::cos(angle));
    barycentric_.push_back((k % 2 == 0 ? 1 : -1) * std::sin(angle));
  }
}

void TruthPosterior::Axis::weights(double x, double* out) const {
  double sum = 0;
  for (std::int64_t k = 0; k < size(); ++k) {
    const double distance = x - nodes_[k];
    if (distance == 0) {
      std::fill(out, out + size(), 0.0);
      out[k] = 1;
      return;
    }
    out[k] = barycentric_[k] / distance;
    sum += out[k];
  }
  for (std::int64_t k = 0; k < size(); ++k) out[k] /= sum;
}

TruthPosterior::TruthPosterior(const Generator& generator, std::span<const double> truth_scale,
                               std::vector<std::int32_t> genes, int n_threads,
                               const Callbacks& callbacks)
    : genes_(std::move(genes)) {
  check_generator(generator, "posterior of the truth");
  if (std::ssize(truth_scale) != generator.n_cells) {
    throw usage_error("posterior of the truth: there are " + std::to_string(generator.n_cells) +
                      " cells in the generator but " + std::to_string(truth_scale.size()) +
                      " in the data");
  }
  for (const std::int32_t gene : genes_) {
    if (gene < 0 || gene >= generator.n_genes) {
      throw usage_error("posterior of the truth: the generator has no gene number " +
                        std::to_string(gene + 1));
    }
  }
  double low = std::numeric_limits<double>::infinity(), high = -low;
  double scaled_low = low, scaled_high = high;
  for (std::int64_t cell = 0; cell < generator.n_cells; ++cell) {
    population_.push_back(generator.group[cell] * generator.n_batches() + generator.batch[cell]);
    log_library_.push_back(std::log(generator.library[cell]));
    log_scaled_.push_back(std::log(truth_scale[cell]) + log_library_[cell]);
    low = std::min(low, log_library_[cell]);
    high = std::max(high, log_library_[cell]);
    if (truth_scale[cell] > 0) {
      scaled_low = std::min(scaled_low, log_scaled_[cell]);
      scaled_high = std::max(scaled_high, log_scaled_[cell]);
    }
  }
  if (generator.n_cells == 0) return;
  if (!(scaled_low <= scaled_high)) scaled_low = scaled_high = 0;
  // Nodes enough for an error below 1e-4 of a standard deviation (tests/simulate).
  const auto n_nodes = [](double range, double per_unit, int least) {
    return std::min(64, least + static_cast<int>(std::ceil(per_unit * range)));
  };
  library_axis_ = Axis(low, high, n_nodes(high - low, 3, 4));
  scale_axis_ = Axis(scaled_low, scaled_high, n_nodes(scaled_high - scaled_low, 3, 3));
  tabulate(generator, n_threads, callbacks);
}

void TruthPosterior::tabulate(const Generator& generator, int n_threads,
                              const Callbacks& callbacks) {
  const int n_populations = generator.n_groups() * generator.n_batches();
  std::vector<char> present(n_populations, 0);
  for (const std::int32_t population : population_) present[population] = 1;
  table_start_.assign(n_populations, 0);
  std::int64_t n_tables = 0;
  for (int population = 0; population < n_populations; ++population) {
    table_start_[population] = n_tables;
    if (present[population]) n_tables += n_genes();
  }
  tables_.resize(n_tables * table_size());
  for (int population = 0; population < n_populations; ++population) {
    if (!present[population]) continue;
    const int group = population / generator.n_batches();
    const int batch = population % generator.n_batches();
    const std::vector<double> shares = expected_shares(generator, group, batch, true);
    const std::vector<double> truth_shares =
        expected_shares(generator, group, batch, !generator.truth_without_batch_effects);
    std::exception_ptr failure;  // an exception must not leave a parallel region
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 8)
    for (std::int64_t position = 0; position < n_genes(); ++position) {
      try {
        const std::int32_t gene = genes_[position];
        tabulate_gene(generator, population, shares[gene], truth_shares[gene], gene,
                      tables_.data() + (table_start_[population] + position) * table_size());
      } catch (...) {
#pragma omp critical(maskclass_posterior_failure)
        failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    report_progress(callbacks, {"Bayes floor", population + 1, n_populations, "populations", 0});
  }
}

/// A table holds, for each node of the library, ln P(t* = 0, c = 0), then ln P(t* > 0, c = 0),
/// then for each node of both axes ln E[x* ; c = 0], then ln E[x*^2 ; c = 0].
void TruthPosterior::tabulate_gene(const Generator& generator, int population, double share,
                                   double truth_share, std::int64_t gene, double* table) const {
  const int group = population / generator.n_batches();
  const int batch = population % generator.n_batches();
  const std::int64_t n_libraries = library_axis_.size();
  const std::int64_t n_scales = scale_axis_.size();
  for (std::int64_t k = 0; k < n_libraries; ++k) {
    const double library = std::exp(library_axis_.node(k));
    const JointProbabilities joint = joint_with_zero_count(
        gene_in_cell(generator, group, batch, gene, library * share, library * truth_share),
        coupling_of(generator));
    double positive = 0;
    joint.for_each_positive([&](double, double probability) { positive += probability; });
    table[k] = logarithm(joint.zero());
    table[n_libraries + k] = logarithm(positive);
    for (std::int64_t s = 0; s < n_scales; ++s) {
      const double scale = std::exp(scale_axis_.node(s)) / library;
      double first = 0;
      double second = 0;
      joint.for_each_positive([&](double t, double probability) {
        const double x = std::log2(1 + t * scale);
        first += probability * x;
        second += probability * x * x;
      });
      table[2 * n_libraries + k * n_scales + s] = logarithm(first);
      table[(2 + n_scales) * n_libraries + k * n_scales + s] = logarithm(second);
    }
  }
}

PosteriorMoments TruthPosterior::interpolate(const double* table, const double* library_weights,
                                             const double* scale_weights) const {
  const std::int64_t n_libraries = library_axis_.size();
  const std::int64_t n_scales = scale_axis_.size();
  const double zero = from_logarithm(dot(table, library_weights, n_libraries));
  const double positive = from_logarithm(dot(table + n_libraries, library_weights, n_libraries));
  double log_first = 0;
  double log_second = 0;
  const double* first = table + 2 * n_libraries;
  const double* second = first + n_libraries * n_scales;
  for (std::int64_t k = 0; k < n_libraries; ++k) {
    log_first += library_weights[k] * dot(first + k * n_scales, scale_weights, n_scales);
    log_second += library_weights[k] * dot(second + k * n_scales, scale_weights, n_scales);
  }
  const double total = zero + positive;
  if (!(total > 0)) return {};
  const double mean = from_logarithm(log_first) / total;
  return {mean, std::max(0.0, from_logarithm(log_second) / total - mean * mean), zero / total};
}

void TruthPosterior::block(std::int64_t first_cell, std::int64_t n_cells, PosteriorMoments* out,
                           int n_threads) const {
  constexpr int kMaximalNodes = 64;
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t row = 0; row < n_cells; ++row) {
    const std::int64_t cell = first_cell + row;
    double library_weights[kMaximalNodes];
    double scale_weights[kMaximalNodes];
    const bool no_truth = !std::isfinite(log_scaled_[cell]);
    library_axis_.weights(log_library_[cell], library_weights);
    scale_axis_.weights(no_truth ? scale_axis_.node(0) : log_scaled_[cell], scale_weights);
    for (std::int64_t position = 0; position < n_genes(); ++position) {
      PosteriorMoments& moments = out[row * n_genes() + position];
      moments = no_truth ? PosteriorMoments{}
                         : interpolate(table(population_[cell], position), library_weights,
                                       scale_weights);
    }
  }
}

PosteriorMoments TruthPosterior::exact(const Generator& generator, std::int64_t cell,
                                       std::int64_t position, double truth_scale) const {
  const int group = generator.group[cell];
  const int batch = generator.batch[cell];
  const std::int32_t gene = genes_[position];
  const double library = generator.library[cell];
  const auto mean = [&](bool with_batch_effects) {
    return library * expected_shares(generator, group, batch, with_batch_effects)[gene];
  };
  return posterior_moments(
      joint_with_zero_count(gene_in_cell(generator, group, batch, gene, mean(true),
                                         mean(!generator.truth_without_batch_effects)),
                            coupling_of(generator)),
      truth_scale);
}

}  // namespace maskclass::simulate
