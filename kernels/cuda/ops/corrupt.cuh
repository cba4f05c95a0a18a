#pragma once

#include <cstdint>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/memory/training_memory.h"
#include "kernels/cuda/ops/block_reduce.cuh"
#include "kernels/cuda/ops/philox.cuh"
#include "kernels/math/biozero.h"
#include "kernels/math/log2.h"

/// Gathers one slice of a batch, draws its masks and corrupts it (paper, Section 2.5), on chip: no
/// mask and no dense batch ever exists in global memory.
///
/// A block of 256 threads fills a tile of 32 cells x 32 genes: thread t has the four genes from
/// 4 (t % 8) on of cell t / 8, which share one Philox block; a warp has four cells to itself.
/// Global memory: 28 bytes a cell (row start, id, position, shrink, segment; 32 with several
/// dropout curves) and 4 a non-zero.
/// Operations: one Philox block for four entries, and 16 fused multiply-adds for each zero whose
/// biozero probability is needed.
namespace maskclass::cuda {

/// What threads need to know of the cells of a tile. In shared memory.
struct TileCells {
  std::int64_t values_at[kTileCells];  ///< where the segment's values begin
  std::uint32_t present[kTileCells];   ///< bit a gene; 0 for cells beyond the batch
  std::uint32_t id[kTileCells];
  float shrink[kTileCells];
  std::uint32_t curve[kTileCells];
  float basis[kBiozeroTerms][kTileCells];
};

/// Numbers of a tile [cell][gene] in shared memory. Rows are 16-byte aligned, and eight of them
/// apart by 32 banks in all, for the fragments of tensor cores.
inline constexpr int kTileStride = kSliceGenes + 4;
using TileRows = float[kTileCells][kTileStride];

/// A slice of a batch. In shared memory.
struct Tile {
  TileRows input;                     ///< corrupted, scaled; 0 beyond the batch and genes
  TileRows target;                    ///< scaled; decoding puts the output's gradient there
  TileRows biozero;                   ///< biozero probability at zeros where it counts, else 0
  std::uint32_t present[kTileCells];  ///< bit a gene
  std::uint32_t masked[kTileCells];   ///< bit a gene
};

/// A slice's biozero coefficients, of the first dropout curve, in shared memory; the odd stride
/// spreads genes over the banks. Those of further curves are read where they lie.
struct SliceCoefficients {
  float of_gene[kSliceGenes][kBiozeroTerms + 1];
};

/// A thread's part of the denominators of the loss.
struct MaskCounts {
  std::uint32_t masked_zeros = 0;
  std::uint32_t masked_nonzeros = 0;
  float biozero = 0;
};

__device__ inline void load_coefficients(const Columns& columns, std::int32_t slice,
                                         SliceCoefficients& coefficients) {
  const std::int64_t first = static_cast<std::int64_t>(slice) * kSliceGenes * kBiozeroTerms;
  const std::int64_t n = static_cast<std::int64_t>(columns.n_genes) * kBiozeroTerms;
  for (int k = threadIdx.x; k < kSliceGenes * kBiozeroTerms; k += kThreads) {
    coefficients.of_gene[k / kBiozeroTerms][k % kBiozeroTerms] =
        first + k < n ? columns.biozero_coefficients[first + k] : 0.0f;
  }
}

/// The first 32 threads have a cell each, of the tile that begins with cell `first` of the order;
/// each access of theirs is of neighbours.
__device__ inline void load_cells(const Columns& columns, std::int32_t slice, std::int64_t first,
                                  int n_cells, TileCells& cells) {
  const int cell = threadIdx.x;
  if (cell >= kTileCells) return;
  if (cell >= n_cells) {
    cells.present[cell] = 0;
    return;
  }
  const OrderedCells& ordered = columns.cells;
  const Segment segment = ordered.segments[slice * ordered.capacity + first + cell];
  cells.present[cell] = segment.present;
  cells.values_at[cell] = ordered.row_start[first + cell] + segment.offset;
  cells.id[cell] = ordered.ids[first + cell];
  cells.shrink[cell] = ordered.shrink[first + cell];
  cells.curve[cell] = ordered.curve != nullptr ? ordered.curve[first + cell] : 0;
  float basis[kBiozeroTerms];
  chebyshev_basis(ordered.position[first + cell], basis);
  for (int k = 0; k < kBiozeroTerms; ++k) cells.basis[k][cell] = basis[k];
}

/// The coefficients of gene `k` of the slice for a cell of a dropout curve.
__device__ inline const float* coefficients_of(const Columns& columns,
                                               const SliceCoefficients& coefficients,
                                               std::uint32_t curve, std::int32_t slice, int k) {
  if (curve == 0) return coefficients.of_gene[k];
  const std::int64_t row = std::int64_t{curve} * columns.n_genes + slice * kSliceGenes + k;
  return columns.biozero_coefficients + row * kBiozeroTerms;
}

/// What a masked zero of a gene becomes: noise in the range of the gene's counts.
__device__ inline float corrupted_zero(const GeneScaling& scaling, const Corruption& how,
                                       std::uint32_t epoch, std::uint32_t cell_id,
                                       std::int32_t gene) {
  const uint4 words = random_words(how.seed, philox::Purpose::noise, epoch, cell_id, gene);
  const float eta = how.noise * philox::to_unit_float(word_of(words, gene & 3));
  return scale(log2_of_one_plus(eta * scaling.max_count), scaling);
}

/// Whether a zero of biozero probability p is masked: bits < floor(p * mask_zero * 2^32).
__device__ inline bool zero_is_masked(std::uint32_t bits, float p, const Corruption& how) {
  return bits < static_cast<std::uint64_t>(p * how.mask_zero * 4294967296.0f);
}

/// The scaling of a slice's genes in global memory.
__device__ inline const GeneScaling* scaling_of(const Columns& columns, std::int32_t slice) {
  return columns.genes + static_cast<std::int64_t>(slice) * kSliceGenes;
}

/// Fills the tile from the cells that load_cells found; all threads, with a barrier before (the
/// cells) and after (the tile). Cells from n_cells on and genes beyond the last become 0 and count
/// for nothing. Without kCorrupt nothing is masked. `scaling` is that of the slice's genes, in
/// global or shared memory: few masked zeros need it.
template <bool kCorrupt>
__device__ inline void fill_tile(const Columns& columns, const Corruption& how, std::uint32_t epoch,
                                 std::int32_t slice, int n_cells, const TileCells& cells,
                                 const SliceCoefficients& coefficients, const GeneScaling* scaling,
                                 Tile& tile, MaskCounts& counts) {
  constexpr int kQuads = kSliceGenes / 4;
  const int cell = threadIdx.x / kQuads;
  const int quad = threadIdx.x % kQuads;
  const std::int32_t first_gene = slice * kSliceGenes + 4 * quad;
  const bool active = cell < n_cells;
  const std::uint32_t present = cells.present[cell];
  // A cell's values are neighbours in memory: the warp fetches them a cell at a time, to where the
  // cell's input will be, and each thread finds its own there.
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const int first_of_warp = static_cast<int>(threadIdx.x) / kWarpSize * (kWarpSize / kQuads);
#pragma unroll
  for (int c = first_of_warp; c < first_of_warp + kWarpSize / kQuads; ++c) {
    const int n_values = c < n_cells ? __popc(cells.present[c]) : 0;
    if (n_values == 0) continue;
    // The lanes beyond the last repeat it: the warp stays together.
    tile.input[c][lane] = columns.values[cells.values_at[c] + min(lane, n_values - 1)];
  }
  __syncwarp();
  const float* values = &tile.input[cell][__popc(present & ((1u << (4 * quad)) - 1u))];
  uint4 words{};
  if (kCorrupt && active) {
    words = random_words(how.seed, philox::Purpose::mask, epoch, cells.id[cell], first_gene);
  }

  float input[4];
  float target[4];
  float biozero[4];
  std::uint32_t masked = 0;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const std::int32_t gene = first_gene + k;
    input[k] = target[k] = biozero[k] = 0.0f;
    if (!active || gene >= columns.n_genes) continue;
    const std::uint32_t bits = word_of(words, k);
    if ((present >> (4 * quad + k) & 1u) != 0) {
      target[k] = *values++;
      const bool hidden = kCorrupt && bits < how.nonzero_limit;
      input[k] = hidden ? 0.0f : target[k];
      counts.masked_nonzeros += hidden ? 1 : 0;
      masked |= (hidden ? 1u : 0u) << k;
      continue;
    }
    target[k] = kScaledZero;
    input[k] = kScaledZero;
    if (!kCorrupt || (how.biozero_weight == 0.0f && bits >= how.zero_limit)) continue;
    const float p = biozero_from_basis(
        &cells.basis[0][cell], kTileCells,
        coefficients_of(columns, coefficients, cells.curve[cell], slice, 4 * quad + k),
        cells.shrink[cell]);
    if (how.biozero_weight != 0.0f) {
      biozero[k] = p;
      counts.biozero += p;
    }
    if (zero_is_masked(bits, p, how)) {
      input[k] = corrupted_zero(scaling[4 * quad + k], how, epoch, cells.id[cell], gene);
      ++counts.masked_zeros;
      masked |= 1u << k;
    }
  }
  __syncwarp();  // all have found their values
  *reinterpret_cast<float4*>(&tile.input[cell][4 * quad]) =
      make_float4(input[0], input[1], input[2], input[3]);
  *reinterpret_cast<float4*>(&tile.target[cell][4 * quad]) =
      make_float4(target[0], target[1], target[2], target[3]);
  *reinterpret_cast<float4*>(&tile.biozero[cell][4 * quad]) =
      make_float4(biozero[0], biozero[1], biozero[2], biozero[3]);
  // The eight threads of a cell are neighbours in a warp: their bits become one word.
  masked <<= 4 * quad;
  for (int distance = 1; distance < kQuads; distance *= 2) {
    masked |= __shfl_xor_sync(kAllLanes, masked, distance);
  }
  if (quad == 0) {
    tile.present[cell] = present;
    tile.masked[cell] = masked;
  }
}

}  // namespace maskclass::cuda
