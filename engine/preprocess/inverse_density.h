#pragma once

#include <span>
#include <vector>

namespace maskclass {

/// Weights 1 / density(value), divided by their mean, so that a fit heeds every stretch of the
/// axis alike and not only where the values crowd. The density is the Gaussian kernel estimate that
/// R 4.2's `density()` computes between the smallest and the largest value, its approximations
/// included (docs/highly-variable-genes.md): they move the weights by several per cent.
///
/// `values`: [n], finite, n >= 0. Returns [n], all positive; all 1 where the values do not differ.
std::vector<double> inverse_density_weights(std::span<const double> values);

}  // namespace maskclass
