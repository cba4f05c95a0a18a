#pragma once

#include "kernels/cuda/training/products.cuh"
#include "kernels/parameters.h"

/// Kernels are compiled for the paper's widths, where every loop has a fixed end, and for any.
namespace maskclass::cuda {

struct PaperWidths {
  static constexpr int hidden = 64;
  static constexpr int latent = 32;
};

struct AnyWidths {
  int hidden;
  int latent;
};

template <class Widths>
__device__ __forceinline__ constexpr int chunks_of(const Widths& widths) {
  return (widths.hidden + kChunk - 1) / kChunk;
}
/// Units of a chunk: kChunk but for the last.
template <class Widths>
__device__ __forceinline__ constexpr int units_of(const Widths& widths, int chunk) {
  const int rest = widths.hidden - chunk * kChunk;
  return rest < kChunk ? rest : kChunk;
}

inline bool are_paper_widths(const NetworkShape& shape) {
  return shape.hidden == PaperWidths::hidden && shape.latent == PaperWidths::latent;
}

}  // namespace maskclass::cuda
