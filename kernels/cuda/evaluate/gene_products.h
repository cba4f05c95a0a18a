#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/runtime/blas.h"
#include "kernels/cuda/runtime/memory.h"

namespace maskclass::cuda {

/// Sums over cells of products of two genes' values less their means: N - 1 times the covariance,
/// which evaluation's principal components are computed from. cuBLAS (Dsyrk) on blocks of cells.
///
/// In float64, as on the CPU, and so apart from it by rounding alone: the values are centred before
/// they are multiplied, an element is a sum of n terms, and its error at most n 2^-53 times the sum
/// of their absolute values. In float32 (2^-24) the error, relative to the first component, would
/// be largest for the last of the fifty that k-means sees. The cost on GPUs with few float64 units:
/// n G^2 operations are 5 ms for 5,000 cells x 1,000 genes at 1 TFLOP/s.
///
/// The same bits each time on one GPU model and cuBLAS version: one stream, one order of blocks.
class GeneProducts {
 public:
  /// For blocks of at most `most_cells`. Device memory: 8 n_genes^2 + 12 most_cells n_genes bytes
  /// and cuBLAS's 32 MB. Throws DeviceError, and std::invalid_argument for sizes below 1.
  GeneProducts(std::int32_t n_genes, std::int32_t most_cells, const Context& context);

  /// Starts from 0. means [n_genes], host memory, read before this returns.
  void start(std::span<const double> means);
  /// Adds cells: values [n_cells][n_genes], n_cells <= most_cells, host memory that the caller may
  /// change once this returns.
  void add(std::span<const float> values);
  /// The same from device memory; does not synchronise.
  void add_on_device(std::int64_t n_cells, const float* values);
  /// The sums [n_genes][n_genes], both triangles, to host memory. Waits for them.
  void download(std::span<double> products_out);

 private:
  std::int32_t n_genes_;
  std::int32_t most_cells_;
  Context context_;
  DeviceArray<double> means_;
  DeviceArray<float> values_;
  DeviceArray<double> centred_;
  DeviceArray<double> products_;
  Blas blas_;
};

}  // namespace maskclass::cuda
