#pragma once

#include "kernels/cuda/block_reduce.cuh"
#include "kernels/cuda/columns.h"
#include "kernels/cuda/corrupt.cuh"

/// The three products of the wide layers, for a block of 256 threads and operands in shared memory:
/// 32 cells, 32 genes, 64 hidden units. Each is 65,536 multiply-adds, 256 a thread. Every sum runs
/// over its terms in ascending order.
namespace maskclass::cuda {

/// Hidden units that are worked on at a time.
inline constexpr int kChunk = 64;
/// Floats from one row of a chunk to the next: rows 16-byte aligned, and eight rows apart by 32
/// banks in all, so that threads which read the same column of different rows do not collide.
inline constexpr int kChunkStride = kChunk + 4;

/// A chunk of a wide layer's weights [gene][unit] or of activations [cell][unit].
struct Chunk {
  float row[32][kChunkStride];
};
static_assert(kSliceGenes == 32 && kTileCells == 32);

__device__ __forceinline__ float4 load4(const float* at) {
  return *reinterpret_cast<const float4*>(at);
}
__device__ __forceinline__ float2 load2(const float* at) {
  return *reinterpret_cast<const float2*>(at);
}

/// Where a thread's sums of the first two products lie: rows 4 * warp + [0, 4), columns
/// 2 * lane + [0, 2).
struct Rows4Columns2 {
  int first_row = 4 * (static_cast<int>(threadIdx.x) / kWarpSize);
  int first_column = 2 * (static_cast<int>(threadIdx.x) % kWarpSize);
};

/// sums[r][c] += sum over k of left[row r][k] * right[k][column c]: cells x genes times
/// genes x units.
__device__ __forceinline__ void multiply(const float (&left)[32][32], const Chunk& right,
                                         float (&sums)[4][2]) {
  const Rows4Columns2 mine;
#pragma unroll 2
  for (int k = 0; k < 32; k += 4) {
    float4 l[4];
#pragma unroll
    for (int r = 0; r < 4; ++r) l[r] = load4(&left[mine.first_row + r][k]);
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      const float2 w = load2(&right.row[k + step][mine.first_column]);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const float factor = step == 0 ? l[r].x : step == 1 ? l[r].y : step == 2 ? l[r].z : l[r].w;
        sums[r][0] = fmaf(factor, w.x, sums[r][0]);
        sums[r][1] = fmaf(factor, w.y, sums[r][1]);
      }
    }
  }
}

/// sums[r][c] += sum over k of left[k][row r] * right[k][column c]: genes x cells, the tile read
/// downwards, times cells x units.
__device__ __forceinline__ void multiply_transposed(const float (&left)[32][32], const Chunk& right,
                                                    float (&sums)[4][2]) {
  const Rows4Columns2 mine;
#pragma unroll 8
  for (int k = 0; k < 32; ++k) {
    const float4 l = load4(&left[k][mine.first_row]);
    const float2 w = load2(&right.row[k][mine.first_column]);
    const float factors[4] = {l.x, l.y, l.z, l.w};
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      sums[r][0] = fmaf(factors[r], w.x, sums[r][0]);
      sums[r][1] = fmaf(factors[r], w.y, sums[r][1]);
    }
  }
}

/// sums[r] += sum over k of left[4 * warp + r][k] * right[lane][k]: cells x units times
/// units x genes.
__device__ __forceinline__ void multiply_by_rows(const Chunk& left, const Chunk& right,
                                                 float (&sums)[4]) {
  const int first_row = 4 * (static_cast<int>(threadIdx.x) / kWarpSize);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
#pragma unroll 4
  for (int k = 0; k < kChunk; k += 4) {
    const float4 w = load4(&right.row[lane][k]);
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const float4 l = load4(&left.row[first_row + r][k]);
      sums[r] = fmaf(l.x, w.x, sums[r]);
      sums[r] = fmaf(l.y, w.y, sums[r]);
      sums[r] = fmaf(l.z, w.z, sums[r]);
      sums[r] = fmaf(l.w, w.w, sums[r]);
    }
  }
}

/// Fills a chunk from rows of global memory that are `stride` floats apart and begin at `from`;
/// rows from n_rows and units from n_units on become 0. All threads, a barrier before and after.
__device__ __forceinline__ void load_chunk(const float* from, std::size_t stride, int n_rows,
                                           int n_units, Chunk& chunk) {
  for (int k = threadIdx.x; k < 32 * kChunk; k += kThreads) {
    const int row = k / kChunk;
    const int unit = k % kChunk;
    chunk.row[row][unit] = row < n_rows && unit < n_units ? from[row * stride + unit] : 0.0f;
  }
}

}  // namespace maskclass::cuda
