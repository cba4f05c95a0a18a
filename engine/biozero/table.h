#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/biozero/dropout_model.h"

namespace maskclass {

/// The biozero probabilities of a data set in the form that kernels evaluate: see
/// kernels/math/biozero.h. p_ij = biozero_from_basis(chebyshev_basis(position[i]), coefficients of
/// gene j, shrink[i]) wherever the count is 0.
struct BiozeroTable {
  std::vector<float> coefficients;   ///< [n_curves][n_genes][kBiozeroTerms], row-major.
  std::vector<std::uint32_t> curve;  ///< [n_cells]: which coefficients; empty where n_curves is 1.
  std::vector<float> position;       ///< [n_cells]: t_i in [-1, 1], the affine image of ln l_i.
  std::vector<float> shrink;         ///< [n_cells]: 1 - alpha z_i.
  double log_low = 0;                ///< ln l at t = -1, where there is one curve.
  double log_high = 0;               ///< ln l at t = +1, likewise.
  /// Largest |table - posterior| (float32 against float64, without shrinkage) over all genes and
  /// 4 kBiozeroTerms + 1 equally spaced values of ln l from log_low to log_high.
  float largest_error = 0;
};

/// P(no molecule | count 0) of a gene at ln l, whatever model it comes from: smooth in ln l. Called
/// by several threads at once.
using BiozeroPosterior = std::function<double(std::int64_t gene, double log_library)>;

/// Chebyshev interpolation of every gene's posterior on the range of ln l in the data, in float64,
/// rounded to float32 at the end. `library_factor` and `shrink` are [n_cells]. Throws as
/// fit_moments does. The result does not depend on `n_threads`.
BiozeroTable tabulate(const BiozeroPosterior& posterior, std::int64_t n_genes,
                      std::span<const double> library_factor, std::span<const double> shrink,
                      int n_threads);
BiozeroTable tabulate(const DropoutModel& model, std::span<const double> library_factor,
                      std::span<const double> shrink, int n_threads);
/// The same for groups of cells that have a posterior each, tabulated on the range of ln l in the
/// group. `group_of` is [n_cells], or empty where there is one posterior.
BiozeroTable tabulate(std::span<const BiozeroPosterior> posteriors, std::int64_t n_genes,
                      std::span<const double> library_factor, std::span<const double> shrink,
                      std::span<const std::int32_t> group_of, int n_threads);

}  // namespace maskclass
