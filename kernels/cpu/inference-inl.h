// The network without masks: input and output by slice of genes.
// Compiled once an instruction set: see phases.cpp.

#if defined(MASKCLASS_INFERENCE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKCLASS_INFERENCE_INL_H
#undef MASKCLASS_INFERENCE_INL_H
#else
#define MASKCLASS_INFERENCE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/multiply-inl.h"
#include "kernels/cpu/training_state.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

/// Writes the slice's genes of the network's output, as log2 values, to log2_out[cell][n_genes].
inline void reconstruct_slice(TrainingState& state, const Batch& batch, std::int32_t slice,
                              float* log2_out) {
  const Floats d;
  const std::int64_t hidden = state.network.shape.hidden;
  const std::size_t width = padded(hidden);
  const std::int32_t first = state.slices.begin(slice);
  const float* weights = &state.network.output_weight.value[first * width];
  const float* bias = &state.network.output_bias.value[slice * padded(state.slices.width)];
  const std::int64_t n_cells = static_cast<std::int64_t>(batch.cells.size());
  for_each_tile(state.slices.size(slice), static_cast<int>(batch.n_groups * kVectorsInGroup),
                [&](auto rows, auto vectors, std::int64_t row, int vector) HWY_ATTR {
                  Vector out[rows.value][vectors.value];
                  affine(Factor{weights + row * width, width, 1}, bias + row,
                         state.activations[2].output.data(),
                         static_cast<std::size_t>(hidden) * kGroup, vector, hidden, out);
                  for (int v = 0; v < vectors.value; ++v) {
                    const std::int64_t cell = static_cast<std::int64_t>(vector + v) * kLanes;
                    const std::int64_t n = std::clamp<std::int64_t>(n_cells - cell, 0, kLanes);
                    for (int r = 0; r < rows.value; ++r) {
                      const std::int64_t gene = first + row + r;
                      HWY_ALIGN float values[kLanes];
                      hn::Store(out[r][v], d, values);
                      for (std::int64_t c = 0; c < n; ++c) {
                        log2_out[(cell + c) * state.data.n_genes + gene] =
                            inverse_scale(values[c], state.data.genes[gene]);
                      }
                    }
                  }
                });
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#endif
