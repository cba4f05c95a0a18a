#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "engine/matrix/csr.h"
#include "kernels/math/philox.h"

/// Random inputs of the tests: pure functions of (seed, index).
namespace maskclass::testing {

inline double uniform(std::uint64_t seed, std::uint32_t cell, std::uint64_t gene) {
  const auto words = philox::random_words(
      philox::counter_of(philox::Purpose::simulation, 0, cell, 4 * gene), seed);
  return philox::to_open_unit_double(words[0], words[1]);
}

/// Box and Muller 1958.
inline double normal(std::uint64_t seed, std::uint32_t index) {
  return std::sqrt(-2 * std::log(uniform(seed, index, 0))) *
         std::cos(2 * std::numbers::pi * uniform(seed, index, 1));
}

/// exp(spread * normal): the library factors of n cells.
inline std::vector<double> library_factors(int n_cells, double spread, std::uint64_t seed) {
  std::vector<double> factors(n_cells);
  for (int i = 0; i < n_cells; ++i) factors[i] = std::exp(spread * normal(seed, i));
  return factors;
}

inline std::vector<double> logarithms(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return values;
}

/// A dense matrix of small whole numbers, cells in rows, as CSR.
inline CsrMatrix to_csr(const std::vector<std::vector<float>>& dense) {
  CsrMatrix matrix;
  matrix.n_cells = std::ssize(dense);
  matrix.n_genes = dense.empty() ? 0 : std::ssize(dense[0]);
  for (const auto& row : dense) {
    for (std::size_t gene = 0; gene < row.size(); ++gene) {
      if (row[gene] == 0) continue;
      matrix.indices.push_back(static_cast<std::int32_t>(gene));
      matrix.values.push_back(row[gene]);
    }
    matrix.indptr.push_back(std::ssize(matrix.indices));
  }
  return matrix;
}

/// The probability of a zero, straight from the paper's formulas.
template <class Real>
Real zero_probability(Real mu, Real phi, Real a, Real b) {
  const Real delta = 1 / (1 + std::exp(b * std::log(mu) - a));
  const Real no_molecule = std::pow(1 + phi * mu, -1 / phi);
  return delta + (1 - delta) * no_molecule;
}

}  // namespace maskclass::testing
