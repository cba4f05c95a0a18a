#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"
#include "kernels/math/gene_scaling.h"

namespace maskclass {

/// Winsorising bounds: quantiles of a gene's log2 values over all cells, with the values of the
/// paper's Section 2.4.
struct Winsorising {
  double low = 0.02;
  double high = 0.995;
};

/// Fits the scaling of every gene: the type 7 quantiles of its x over all cells, zeros included,
/// and its largest count.
///
/// `counts`: cells x genes kept, at least one cell. `size_factors`: [n_cells], median(L) / L_i.
/// Returns [n_genes]. Extra memory: 4 bytes a non-zero. The result does not depend on `n_threads`.
std::vector<GeneScaling> fit_gene_scaling(const CsrView& counts,
                                          std::span<const double> size_factors, int n_threads,
                                          const Winsorising& quantiles = {});

/// s of each stored non-zero, in the order of `counts.values`; every zero has kScaledZero.
/// `scaling`: [n_genes], of fit_gene_scaling.
std::vector<float> scale_nonzeros(const CsrView& counts, std::span<const double> size_factors,
                                  std::span<const GeneScaling> scaling, int n_threads);

/// What the two functions above give.
struct ScaledGenes {
  std::vector<GeneScaling> scaling;  ///< [n_genes]
  std::vector<float> scaled;         ///< [n_nonzeros]
};

/// Another device that does the same, to the same bits, and may decline.
using GeneScaler = std::function<std::optional<ScaledGenes>(
    const CsrView& counts, std::span<const double> size_factors, const Winsorising& quantiles)>;

}  // namespace maskclass
