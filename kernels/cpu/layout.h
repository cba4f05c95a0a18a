#pragma once

#include <cstdint>

/// How the CPU kernels lay out a batch.
///
/// Cells are taken in groups of 16, a vector of the widest instruction set and a cache line. A
/// *panel* is an array [group][row][16]: `row` is a gene or a hidden unit, and the 16 are the cells
/// of the group. Sums over rows then need no horizontal additions, and their order does not depend
/// on the width of a vector. Transposed panels [group of 16 units][cell][16 units] serve sums over
/// cells. Widths are padded to whole groups; what
/// padding holds is never read.
///
/// Genes are cut into *slices*. A slice has its weights, moments and part of the batch to itself,
/// so one thread works on it in all phases. The bounds depend on the number of genes alone: sums
/// over slices have the same order, and so the same bits, for any number of threads.
namespace maskclass::cpu {

inline constexpr int kGroup = 16;

inline std::int64_t groups_for(std::int64_t n) {
  return (n + kGroup - 1) / kGroup;
}
inline std::int64_t padded(std::int64_t n) {
  return groups_for(n) * kGroup;
}

struct Slices {
  /// A multiple of the four genes of a Philox block and of the row tiles of the kernels.
  static constexpr std::int32_t kUnit = 24;
  /// At most this many slices: the partial sums of all are read once in a step.
  static constexpr std::int32_t kMost = 64;
  /// Partial sums are added up by runs of this many slices, and then the runs: what one thread has
  /// added up already, another does not have to fetch from its cache.
  static constexpr std::int32_t kRun = 8;

  explicit Slices(std::int32_t genes)
      : n_genes(genes),
        width(kUnit * ((genes + kUnit * kMost - 1) / (kUnit * kMost))),
        count((genes + width - 1) / width) {}

  std::int32_t begin(std::int32_t slice) const { return slice * width; }
  std::int32_t end(std::int32_t slice) const {
    return slice + 1 == count ? n_genes : (slice + 1) * width;
  }
  std::int32_t size(std::int32_t slice) const { return end(slice) - begin(slice); }
  static std::int32_t first_of_run(std::int32_t slice) { return slice - slice % kRun; }

  std::int32_t n_genes;
  std::int32_t width;  ///< Genes of every slice but the last.
  std::int32_t count;
};

}  // namespace maskclass::cpu
