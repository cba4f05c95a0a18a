#include "engine/simulate/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"

namespace maskclass::simulate {
namespace {

class Checker {
 public:
  explicit Checker(const std::string& source) : source_(source) {}

  void require(bool holds, const std::string& what) const {
    if (!holds) throw data_error(source_ + ": not a generator of this program: " + what);
  }
  void labels(const std::vector<std::int32_t>& values, std::int64_t n_cells, int n_labels,
              const std::string& name) const {
    require(std::ssize(values) == n_cells, name + " is not given for every cell");
    for (std::size_t cell = 0; cell < values.size(); ++cell) {
      require(values[cell] >= 0 && values[cell] < n_labels,
              name + " of cell " + std::to_string(cell + 1) + " does not exist");
    }
  }
  void positive(const std::vector<double>& values, std::int64_t size, bool zero_allowed,
                const std::string& name) const {
    require(std::ssize(values) == size, name + " has the wrong number of values");
    for (const double value : values) {
      require(std::isfinite(value) && (value > 0 || (zero_allowed && value == 0)),
              name + " has a value that is negative, zero or not finite");
    }
  }
  void finite(const std::vector<double>& values, std::int64_t size, const std::string& name) const {
    require(std::ssize(values) == size, name + " has the wrong number of values");
    for (const double value : values) {
      require(std::isfinite(value), name + " has a value that is not finite");
    }
  }

 private:
  const std::string& source_;
};

}  // namespace

void check_generator(const Generator& generator, const std::string& source) {
  const Checker check(source);
  check.require(generator.n_groups() > 0, "there are no groups");
  check.require(generator.n_batches() > 0, "there are no batches");
  check.labels(generator.group, generator.n_cells, generator.n_groups(), "group");
  check.labels(generator.batch, generator.n_cells, generator.n_batches(), "batch");
  check.positive(generator.library, generator.n_cells, false, "library");
  check.positive(generator.gene_mean, generator.n_genes, true, "mean");
  check.positive(generator.dispersion_factor, generator.n_genes, false, "dispersion_factor");
  for (const auto& factors : generator.group_factors) {
    check.positive(factors, generator.n_genes, false, "group factor");
  }
  for (const auto& factors : generator.batch_factors) {
    check.positive(factors, generator.n_genes, false, "batch factor");
  }
  check.require(std::isfinite(generator.bcv_common) && generator.bcv_common >= 0,
                "bcv_common is negative or not finite");
  const std::int64_t n_curves = generator.dropout_type == DropoutType::none ? 0
                                : generator.dropout_type == DropoutType::group
                                    ? generator.n_groups()
                                    : generator.n_batches();
  check.finite(generator.dropout_midpoint, n_curves, "dropout_midpoint");
  check.finite(generator.dropout_shape, n_curves, "dropout_shape");
}

std::vector<double> expected_shares(const Generator& generator, int group, int batch,
                                    bool with_batch_effects) {
  std::vector<double> shares(generator.n_genes);
  double sum = 0;
  for (std::int64_t gene = 0; gene < generator.n_genes; ++gene) {
    shares[gene] = generator.gene_mean[gene] * generator.group_factors[group][gene];
    if (with_batch_effects) shares[gene] *= generator.batch_factors[batch][gene];
    sum += shares[gene];
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    throw usage_error("the gene means add up to " + std::to_string(sum) +
                      ": change the parameters of the gene means");
  }
  for (double& share : shares) share /= sum;
  return shares;
}

GammaParameters expression_distribution(const Generator& generator, std::int64_t gene,
                                        double mean) {
  if (!(mean > 0)) return {};
  const double bcv =
      (generator.bcv_common + 1 / std::sqrt(mean)) * generator.dispersion_factor[gene];
  const double shape = 1 / (bcv * bcv);
  if (!(shape > 0)) return {};  // a mean so small that the shape underflows
  return {shape, mean * bcv * bcv};
}

double DropoutCurve::probability(double m) const {
  if (!present) return 0;
  if (shape == 0) return 0.5;
  if (!(m > 0)) return shape < 0 ? 1 : 0;
  return 1 / (1 + std::exp(-shape * (std::log(m) - midpoint)));
}

DropoutCurve dropout_curve(const Generator& generator, int group, int batch) {
  if (generator.dropout_type == DropoutType::none) return {};
  const int curve = generator.dropout_type == DropoutType::group ? group : batch;
  return {generator.dropout_midpoint[curve], generator.dropout_shape[curve], true};
}

Generator select_cells(const Generator& generator, std::span<const std::int64_t> cells) {
  Generator result = generator;
  result.n_cells = std::ssize(cells);
  result.group.clear();
  result.batch.clear();
  result.library.clear();
  for (const std::int64_t cell : cells) {
    result.group.push_back(generator.group.at(cell));
    result.batch.push_back(generator.batch.at(cell));
    result.library.push_back(generator.library.at(cell));
  }
  return result;
}

}  // namespace maskclass::simulate
