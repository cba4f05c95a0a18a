#pragma once

#include <cstdint>
#include <span>

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/preprocess/gene_scaling.h"
#include "kernels/cuda/preprocess/library_sizes.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/math/gene_scaling.h"

namespace maskclass::cuda {

/// Counts that lie on the device, normalised and scaled there (paper, Sections 2.1 and 2.4): what
/// the network takes. The results are the bits of the CPU's preprocessing.
///
///     ScaledCounts scaled(counts, context);
///     scaled.measure_libraries();
///     scaled.scale();
///     data.scaled = scaled.scaled();  // of a DeviceScaledData, with scaled.genes()
class ScaledCounts {
 public:
  /// Device memory: 4 bytes a non-zero and 16 a cell for the results, 16 a non-zero to work in,
  /// which scale() gives back. `counts` stay the caller's and must live as long as this is used.
  /// Throws std::invalid_argument for missing arrays and no cells, DeviceError{memory} before any
  /// is allocated.
  ScaledCounts(const DeviceCsr& counts, const Context& context);

  /// Library sizes from these counts. Waits for the stream. Throws std::invalid_argument that names
  /// the first cell (from 1) whose counts do not sum to a positive number.
  void measure_libraries();
  /// Size factors that the caller knows, median(L) / L_i, [n_cells], host memory: where libraries
  /// are sums over more genes than these. Waits for the stream.
  void set_size_factors(std::span<const double> size_factors);
  /// Scales the counts; after one of the above. Gives the work space back, which with the default
  /// allocator waits for the device.
  void scale(const QuantileRange& quantiles = {});

  const double* library_sizes() const { return sizes_.data(); }  ///< [n_cells], where measured
  const double* size_factors() const { return size_factors_.data(); }  ///< [n_cells]
  double median_library_size() const { return median_; }               ///< where measured
  const GeneScaling* genes() const { return genes_.data(); }           ///< [n_genes]
  const float* scaled() const { return scaled_.data(); }               ///< [n_nonzeros]

  /// Copies to host memory: [n_genes] and [n_nonzeros]. Waits for the stream.
  void download(std::span<GeneScaling> genes_out, std::span<float> scaled_out) const;

 private:
  DeviceCsr counts_;
  Context context_;
  double median_ = 0;
  DeviceArray<double> sizes_;
  DeviceArray<double> size_factors_;
  DeviceArray<LibraryStatistics> statistics_;
  DeviceArray<float> largest_counts_;
  DeviceArray<GeneScaling> genes_;
  DeviceArray<float> scaled_;
  GeneScalingWorkspace workspace_;
};

}  // namespace maskclass::cuda
