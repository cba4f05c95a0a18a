#pragma once

#include <cstdint>

#include "kernels/cuda/ops/block_reduce.cuh"

/// Products of small tiles on tensor cores, for the 32 lanes of a warp: `mma.m16n8k8` with operands
/// rounded to TF32 (10 bits of mantissa, to nearest) and sums in float32. For architectures before
/// 8.0 the functions exist but are never called: the backend refuses the precision there.
namespace maskclass::cuda {

#if __CUDA_ARCH__ >= 800
__device__ __forceinline__ std::uint32_t to_tf32(float value) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

/// sums += a (16 x 8) * b (8 x 8), in the fragments' layout of the PTX manual.
__device__ __forceinline__ void multiply_add_tile(const std::uint32_t (&a)[4],
                                                  const std::uint32_t (&b)[2], float (&sums)[4]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

/// sums += a (16 x kDepth) * b (kDepth x 8); a(row, k) and b(k, column) give the numbers. Sum r of
/// a lane is of row lane / 4 + 8 (r / 2), column 2 (lane % 4) + r % 2.
template <int kDepth, class A, class B>
__device__ __forceinline__ void multiply_tile(const A& a, const B& b, float (&sums)[4]) {
#if __CUDA_ARCH__ >= 800
  const int group = static_cast<int>(threadIdx.x) % kWarpSize / 4;
  const int member = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
  for (int k = member; k < kDepth; k += 8) {
    const std::uint32_t left[4] = {to_tf32(a(group, k)), to_tf32(a(group + 8, k)),
                                   to_tf32(a(group, k + 4)), to_tf32(a(group + 8, k + 4))};
    const std::uint32_t right[2] = {to_tf32(b(k, group)), to_tf32(b(k + 4, group))};
    multiply_add_tile(left, right, sums);
  }
#endif
}

/// Two such tiles beside each other, columns 0 to 15, with the left operand loaded once. The pair
/// of sums r of a lane is of row lane / 4 + 8 (r % 2), columns 8 (r / 2) + 2 (lane % 4) + {0, 1}.
template <int kDepth, class A, class B>
__device__ __forceinline__ void multiply_pair_of_tiles(const A& a, const B& b,
                                                       float (&sums)[4][2]) {
#if __CUDA_ARCH__ >= 800
  const int group = static_cast<int>(threadIdx.x) % kWarpSize / 4;
  const int member = static_cast<int>(threadIdx.x) % 4;
  float tiles[2][4] = {{sums[0][0], sums[0][1], sums[1][0], sums[1][1]},
                       {sums[2][0], sums[2][1], sums[3][0], sums[3][1]}};
#pragma unroll
  for (int k = member; k < kDepth; k += 8) {
    const std::uint32_t left[4] = {to_tf32(a(group, k)), to_tf32(a(group + 8, k)),
                                   to_tf32(a(group, k + 4)), to_tf32(a(group + 8, k + 4))};
#pragma unroll
    for (int tile = 0; tile < 2; ++tile) {
      const int column = 8 * tile + group;
      const std::uint32_t right[2] = {to_tf32(b(k, column)), to_tf32(b(k + 4, column))};
      multiply_add_tile(left, right, tiles[tile]);
    }
  }
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    sums[r][0] = tiles[r / 2][r % 2 * 2];
    sums[r][1] = tiles[r / 2][r % 2 * 2 + 1];
  }
#endif
}

}  // namespace maskclass::cuda
