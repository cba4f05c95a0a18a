#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace maskclass::cuda {

/// A fused block y = silu(gain * normalise(x weight + bias) + shift), of any widths; all arrays on
/// the device, contiguous, float32. The widths 64 to 32 and 32 to 64 have kernels of their own.
struct LinearNormSilu {
  int n_in = 0;
  int n_out = 0;
  const float* weight = nullptr;  ///< [n_in][n_out]: transposed from the usual frameworks' layout
  const float* bias = nullptr;    ///< [n_out]
  const float* gain = nullptr;    ///< [n_out]
  const float* shift = nullptr;   ///< [n_out]
};

/// What the way back needs of the way forward.
struct LinearNormSiluTrace {
  float* normalised = nullptr;         ///< [n_cells][n_out]
  float* inverse_deviation = nullptr;  ///< [n_cells]
};

struct LinearNormSiluGradients {
  float* in = nullptr;      ///< [n_cells][n_in]; may be null
  float* weight = nullptr;  ///< [n_in][n_out]
  float* bias = nullptr;    ///< [n_out]
  float* gain = nullptr;    ///< [n_out]
  float* shift = nullptr;   ///< [n_out]
};

/// y [n_cells][n_out] from x [n_cells][n_in]; asynchronous, one launch. Throws
/// std::invalid_argument for widths or a number of cells below 1 and null arrays, DeviceError where
/// the launch is refused. Kernel: linear_norm_silu.cu.
void linear_norm_silu_forward(const LinearNormSilu& block, int n_cells, const float* x, float* y,
                              const LinearNormSiluTrace& trace, cudaStream_t stream);

/// Floats of scratch that linear_norm_silu_backward needs.
std::size_t linear_norm_silu_scratch(int n_out, int n_cells);

/// All gradients from that of y, `y_gradient` [n_cells][n_out], with `scratch` aligned to 8 bytes,
/// as whatever cudaMalloc gives is; asynchronous, two launches. Sums over cells run in their order:
/// the same bits every time. Throws as above.
void linear_norm_silu_backward(const LinearNormSilu& block, int n_cells, const float* x,
                               const LinearNormSiluTrace& trace, const float* y_gradient,
                               float* scratch, const LinearNormSiluGradients& gradients,
                               cudaStream_t stream);

}  // namespace maskclass::cuda
