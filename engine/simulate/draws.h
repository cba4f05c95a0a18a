#pragma once

#include <cstdint>

#include "kernels/math/philox.h"

namespace maskclass::simulate {

/// What a random number of the simulator is for: purpose 16 + k of Philox (docs/simulation.md).
/// The comment says what stands for cell and gene in its counter.
enum class Draw : std::uint32_t {
  group = 0,              ///< cell
  library = 1,            ///< cell
  gene_mean = 2,          ///< gene
  outlier = 3,            ///< gene: chosen; 4 its sign, 5 its size
  batch_factor = 6,       ///< batch, gene: chosen; 7 its sign, 8 its size
  group_factor = 9,       ///< group, gene: chosen; 10 its sign, 11 its size
  dispersion = 12,        ///< gene
  dropout_midpoint = 13,  ///< group or batch
  dropout_shape = 14,     ///< group or batch
  expression = 15,        ///< cell, gene: the gamma variable; the truth's too where coupled
  count = 16,             ///< cell, gene: the Poisson variable; the truth's too where coupled
  dropout = 17,           ///< cell, gene
  truth_expression = 18,  ///< cell, gene: the truth's own, where independent
  truth_count = 19,       ///< cell, gene: the truth's own, where independent
};

/// A kind of draw that follows `draw` in the list: sign and size of a factor.
inline Draw next(Draw draw, std::uint32_t k) {
  return static_cast<Draw>(static_cast<std::uint32_t>(draw) + k);
}

/// The four words that serve genes 2k and 2k + 1 of one cell, two words a gene.
inline philox::Words words_of(std::uint64_t seed, Draw draw, std::uint32_t cell,
                              std::uint64_t gene) {
  const auto purpose = static_cast<philox::Purpose>(
      static_cast<std::uint32_t>(philox::Purpose::simulation) + static_cast<std::uint32_t>(draw));
  return philox::random_words(philox::counter_of(purpose, 0, cell, 2 * gene), seed);
}

/// The uniform number of one (cell, gene): words 2 gene and 2 gene + 1 of its purpose and cell.
inline double uniform(std::uint64_t seed, Draw draw, std::uint32_t cell, std::uint64_t gene) {
  const philox::Words words = words_of(seed, draw, cell, gene);
  const std::size_t first = 2 * (gene & 1);
  return philox::to_open_unit_double(words[first], words[first + 1]);
}

}  // namespace maskclass::simulate
