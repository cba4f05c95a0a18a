#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"

namespace maskclass::cpu {

/// Which genes each cell stores an entry of, a bit each. With these a cell's entries of a few genes
/// become a vector by one permutation, where their indices would place them one by one.
class StoredGenes {
 public:
  explicit StoredGenes(const ScaledData& data);

  /// A bit for each gene, gene 0 the lowest of the first byte, in whole units of a slice; four
  /// bytes can be read from the start of a unit. Row n_cells is that of a cell that stores nothing.
  const std::uint8_t* row(std::size_t cell) const { return &bits_[cell * row_bytes_]; }

  /// Asks for the rows of cells: those of a batch lie scattered over memory.
  void prefetch(std::span<const std::uint32_t> cells) const {
    constexpr std::size_t kLine = 64;
    constexpr std::size_t kMost = 4 * kLine;  // The processor sees where a longer row goes on.
    for (const std::uint32_t cell : cells) {
      for (std::size_t at = 0; at < std::min(row_bytes_, kMost); at += kLine) {
        __builtin_prefetch(row(cell) + at);
      }
    }
  }

 private:
  std::size_t row_bytes_;
  std::vector<std::uint8_t> bits_;  ///< [n_cells + 1][row_bytes_], 1
};

}  // namespace maskclass::cpu
