#include "engine/biozero/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

#include "engine/biozero/posterior.h"
#include "engine/error.h"
#include "kernels/math/biozero.h"

namespace maskclass {
namespace {

constexpr int kTerms = kBiozeroTerms;
constexpr int kChecks = 4 * kTerms + 1;

/// The range of ln l, and its affine map to [-1, 1].
struct LogRange {
  double low;
  double high;

  double middle() const { return (low + high) / 2; }
  double half() const { return (high - low) / 2; }
  double at(double t) const { return middle() + half() * t; }
  /// All cells alike: every t gives the same ln l, and 0 is as good as any.
  double position_of(double log_library) const {
    return half() > 0 ? std::clamp((log_library - middle()) / half(), -1.0, 1.0) : 0.0;
  }
};

LogRange range_of(std::span<const double> library_factor) {
  const auto [low, high] = std::minmax_element(library_factor.begin(), library_factor.end());
  return {std::log(*low), std::log(*high)};
}

/// nodes[k] = cos(pi (k + 1/2) / n) and cosine[m][k] = T_m(nodes[k]).
struct ChebyshevNodes {
  std::array<double, kTerms> nodes;
  std::array<std::array<double, kTerms>, kTerms> cosine;

  ChebyshevNodes() {
    for (int k = 0; k < kTerms; ++k) {
      const double angle = std::numbers::pi * (k + 0.5) / kTerms;
      nodes[k] = std::cos(angle);
      for (int m = 0; m < kTerms; ++m) cosine[m][k] = std::cos(m * angle);
    }
  }
};

/// The polynomial of degree kTerms - 1 through the posterior at the nodes.
void interpolate(const BiozeroPosterior& exact_posterior, std::int64_t gene, const LogRange& range,
                 const ChebyshevNodes& chebyshev, float* coefficients) {
  std::array<double, kTerms> posterior{};
  for (int k = 0; k < kTerms; ++k) {
    posterior[k] = exact_posterior(gene, range.at(chebyshev.nodes[k]));
  }
  for (int m = 0; m < kTerms; ++m) {
    double sum = 0;
    for (int k = 0; k < kTerms; ++k) sum += posterior[k] * chebyshev.cosine[m][k];
    coefficients[m] = static_cast<float>(sum * (m == 0 ? 1.0 : 2.0) / kTerms);
  }
}

/// Where the table is compared with the posterior.
struct Checks {
  std::array<double, kChecks> position;
  std::array<std::array<float, kTerms>, kChecks> basis;

  Checks() {
    for (int k = 0; k < kChecks; ++k) {
      position[k] = -1 + 2.0 * k / (kChecks - 1);
      chebyshev_basis(static_cast<float>(position[k]), basis[k].data());
    }
  }
};

float largest_error_of(const BiozeroPosterior& exact_posterior, std::int64_t gene,
                       const LogRange& range, const Checks& checks, const float* coefficients) {
  double largest = 0;
  for (int k = 0; k < kChecks; ++k) {
    const double exact = exact_posterior(gene, range.at(checks.position[k]));
    const double table = biozero_from_basis(checks.basis[k].data(), 1, coefficients, 1.0f);
    largest = std::max(largest, std::abs(table - exact));
  }
  return static_cast<float>(largest);
}

}  // namespace

BiozeroTable tabulate(const BiozeroPosterior& posterior, std::int64_t n_genes,
                      std::span<const double> library_factor, std::span<const double> shrink,
                      int n_threads) {
  require_library_factors(library_factor, std::ssize(shrink));
  const auto n_cells = std::ssize(library_factor);
  BiozeroTable table;
  table.coefficients.resize(n_genes * kTerms);
  if (n_cells == 0) return table;

  const LogRange range = range_of(library_factor);
  table.log_low = range.low;
  table.log_high = range.high;
  table.position.resize(n_cells);
  table.shrink.assign(shrink.begin(), shrink.end());
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    const double position = range.position_of(std::log(library_factor[cell]));
    table.position[cell] = static_cast<float>(position);
  }

  const ChebyshevNodes chebyshev;
  const Checks checks;
  float largest = 0;
#pragma omp parallel for num_threads(n_threads) reduction(max : largest)
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    float* coefficients = &table.coefficients[gene * kTerms];
    interpolate(posterior, gene, range, chebyshev, coefficients);
    largest = std::max(largest, largest_error_of(posterior, gene, range, checks, coefficients));
  }
  table.largest_error = largest;
  return table;
}

BiozeroTable tabulate(const DropoutModel& model, std::span<const double> library_factor,
                      std::span<const double> shrink, int n_threads) {
  const auto posterior = [&](std::int64_t gene, double log_library) {
    return biozero_probability(model, gene, log_library);
  };
  return tabulate(posterior, std::ssize(model.mean), library_factor, shrink, n_threads);
}

BiozeroTable tabulate(std::span<const BiozeroPosterior> posteriors, std::int64_t n_genes,
                      std::span<const double> library_factor, std::span<const double> shrink,
                      std::span<const std::int32_t> group_of, int n_threads) {
  if (posteriors.size() == 1) {
    return tabulate(posteriors[0], n_genes, library_factor, shrink, n_threads);
  }
  require_library_factors(library_factor, std::ssize(shrink));
  BiozeroTable table;
  table.curve.assign(group_of.begin(), group_of.end());
  table.position.resize(library_factor.size());
  table.shrink.assign(shrink.begin(), shrink.end());
  for (std::size_t group = 0; group < posteriors.size(); ++group) {
    std::vector<std::size_t> cells;
    std::vector<double> factors;
    for (std::size_t cell = 0; cell < table.curve.size(); ++cell) {
      if (table.curve[cell] != group) continue;
      cells.push_back(cell);
      factors.push_back(library_factor[cell]);
    }
    const BiozeroTable part = tabulate(posteriors[group], n_genes, factors,
                                       std::vector<double>(cells.size(), 1.0), n_threads);
    table.coefficients.insert(table.coefficients.end(), part.coefficients.begin(),
                              part.coefficients.end());
    for (std::size_t k = 0; k < cells.size(); ++k) table.position[cells[k]] = part.position[k];
    table.largest_error = std::max(table.largest_error, part.largest_error);
  }
  return table;
}

}  // namespace maskclass
