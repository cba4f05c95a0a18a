#pragma once

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/ops/block_reduce.cuh"
#include "kernels/cuda/ops/corrupt.cuh"
#include "kernels/cuda/training/precision.h"
#include "kernels/cuda/training/tensor_cores.cuh"

/// The three products of the wide layers, for a block of 256 threads and operands in shared memory:
/// 32 cells, 32 genes, 64 hidden units. Each is 65,536 multiply-adds, 256 a thread. Products<fp32>
/// adds terms in ascending order; Products<tf32> uses tensor cores. Both say where a thread's sums
/// lie, so that what is done with them is written once.
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
__device__ __forceinline__ int warp_of_thread() {
  return static_cast<int>(threadIdx.x) / kWarpSize;
}
__device__ __forceinline__ int lane_of_thread() {
  return static_cast<int>(threadIdx.x) % kWarpSize;
}

template <Precision>
struct Products;

template <>
struct Products<Precision::fp32> {
  /// Sum [r][c] of `multiply` and `multiply_transposed` is of row(r), column(r) + c.
  struct PairPlace {
    __device__ __forceinline__ int row(int r) const { return 4 * warp_of_thread() + r; }
    __device__ __forceinline__ int column(int /*r*/) const { return 2 * lane_of_thread(); }
  };
  /// Sum [r] of `multiply_by_rows` is of row(r), column(r).
  struct OutputPlace {
    __device__ __forceinline__ int row(int r) const { return 4 * warp_of_thread() + r; }
    __device__ __forceinline__ int column(int /*r*/) const { return lane_of_thread(); }
  };

  /// sums += left * right: cells x genes times genes x units.
  static __device__ __forceinline__ void multiply(const TileRows& left, const Chunk& right,
                                                  float (&sums)[4][2]) {
    const PairPlace mine;
#pragma unroll 2
    for (int k = 0; k < 32; k += 4) {
      float4 l[4];
#pragma unroll
      for (int r = 0; r < 4; ++r) l[r] = load4(&left[mine.row(r)][k]);
#pragma unroll
      for (int step = 0; step < 4; ++step) {
        const float2 w = load2(&right.row[k + step][mine.column(0)]);
#pragma unroll
        for (int r = 0; r < 4; ++r) {
          const float factor = step == 0   ? l[r].x
                               : step == 1 ? l[r].y
                               : step == 2 ? l[r].z
                                           : l[r].w;
          sums[r][0] = fmaf(factor, w.x, sums[r][0]);
          sums[r][1] = fmaf(factor, w.y, sums[r][1]);
        }
      }
    }
  }

  /// sums += left^T * right: genes x cells, the tile read downwards, times cells x units.
  static __device__ __forceinline__ void multiply_transposed(const TileRows& left,
                                                             const Chunk& right,
                                                             float (&sums)[4][2]) {
    const PairPlace mine;
#pragma unroll 8
    for (int k = 0; k < 32; ++k) {
      const float4 l = load4(&left[k][mine.row(0)]);
      const float2 w = load2(&right.row[k][mine.column(0)]);
      const float factors[4] = {l.x, l.y, l.z, l.w};
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        sums[r][0] = fmaf(factors[r], w.x, sums[r][0]);
        sums[r][1] = fmaf(factors[r], w.y, sums[r][1]);
      }
    }
  }

  /// sums += left * right^T: cells x units times units x genes.
  static __device__ __forceinline__ void multiply_by_rows(const Chunk& left, const Chunk& right,
                                                          float (&sums)[4]) {
    const OutputPlace mine;
#pragma unroll 4
    for (int k = 0; k < kChunk; k += 4) {
      const float4 w = load4(&right.row[mine.column(0)][k]);
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const float4 l = load4(&left.row[mine.row(r)][k]);
        sums[r] = fmaf(l.x, w.x, sums[r]);
        sums[r] = fmaf(l.y, w.y, sums[r]);
        sums[r] = fmaf(l.z, w.z, sums[r]);
        sums[r] = fmaf(l.w, w.w, sums[r]);
      }
    }
  }
};

/// The same on tensor cores: a warp has 16 rows and 16 columns, or 8, in tiles of 16 x 8 whose four
/// sums a lane lie as `mma.m16n8k8` has them (tensor_cores.cuh).
template <>
struct Products<Precision::tf32> {
  static __device__ __forceinline__ int first_row() { return 16 * (warp_of_thread() % 2); }

  struct PairPlace {
    __device__ __forceinline__ int first_column() const { return 16 * (warp_of_thread() / 2); }
    __device__ __forceinline__ int row(int r) const {
      return first_row() + lane_of_thread() / 4 + 8 * (r & 1);
    }
    __device__ __forceinline__ int column(int r) const {
      return first_column() + 8 * (r >> 1) + 2 * (lane_of_thread() % 4);
    }
  };
  struct OutputPlace {
    __device__ __forceinline__ int first_column() const { return 8 * (warp_of_thread() / 2); }
    __device__ __forceinline__ int row(int r) const {
      return first_row() + lane_of_thread() / 4 + 8 * (r >> 1);
    }
    __device__ __forceinline__ int column(int r) const {
      return first_column() + 2 * (lane_of_thread() % 4) + (r & 1);
    }
  };

  static __device__ __forceinline__ void multiply(const TileRows& left, const Chunk& right,
                                                  float (&sums)[4][2]) {
    const int first_column = PairPlace().first_column();
    multiply_pair_of_tiles<32>(
        [&](int row, int k) { return left[first_row() + row][k]; },
        [&](int k, int column) { return right.row[k][first_column + column]; }, sums);
  }

  static __device__ __forceinline__ void multiply_transposed(const TileRows& left,
                                                             const Chunk& right,
                                                             float (&sums)[4][2]) {
    const int first_column = PairPlace().first_column();
    multiply_pair_of_tiles<32>(
        [&](int row, int k) { return left[k][first_row() + row]; },
        [&](int k, int column) { return right.row[k][first_column + column]; }, sums);
  }

  static __device__ __forceinline__ void multiply_by_rows(const Chunk& left, const Chunk& right,
                                                          float (&sums)[4]) {
    const int first_column = OutputPlace().first_column();
    multiply_tile<kChunk>([&](int row, int k) { return left.row[first_row() + row][k]; },
                          [&](int k, int column) { return right.row[first_column + column][k]; },
                          sums);
  }
};

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
