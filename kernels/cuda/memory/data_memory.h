#pragma once

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/memory/packed_cells.h"
#include "kernels/cuda/runtime/memory.h"

namespace maskclass::cuda {

/// A data set on the device, or some cells of one, in the kernels' form.
class DataMemory {
 public:
  /// Plans for up to n_cells cells with up to n_nonzeros non-zeros in all, of n_curves dropout
  /// curves.
  DataMemory(std::int64_t n_cells, std::int64_t n_nonzeros, std::int32_t n_genes,
             std::int64_t n_curves, MemoryPlan& plan);

  /// Fills it, in the order of the stream; the arrays of `data` may change once that is done.
  void copy(const DeviceScaledData& data, const Context& context);
  /// From host memory; waits for the stream.
  void copy(const ScaledData& data, const Context& context);

  /// What all cells share; waits for the stream.
  void copy_genes(const ScaledData& data, const Context& context);
  /// Some cells, in the order of the context's stream.
  void copy(const PackedCells& cells, const Context& context);

  /// Puts the cells of these rows, device memory, where view() has them, in the order of the
  /// stream.
  void order(const std::uint32_t* rows, std::int64_t n_cells, const Context& context);
  /// The cells that order() was given last.
  Columns view() const;
  std::int64_t n_cells() const { return n_cells_; }

 private:
  OrderedCells ordered() const;

  std::int64_t n_cells_;
  std::int32_t n_genes_;
  DeviceArray<std::int64_t> row_start_;
  DeviceArray<Segment> segments_;
  DeviceArray<float> values_;
  DeviceArray<std::uint32_t> cell_ids_;
  DeviceArray<float> position_;
  DeviceArray<float> shrink_;
  DeviceArray<std::uint32_t> curve_;  ///< empty where there is one
  DeviceArray<std::int64_t> ordered_row_start_;
  DeviceArray<Segment> ordered_segments_;
  DeviceArray<std::uint32_t> ordered_ids_;
  DeviceArray<float> ordered_position_;
  DeviceArray<float> ordered_shrink_;
  DeviceArray<std::uint32_t> ordered_curve_;
  DeviceArray<GeneScaling> genes_;
  DeviceArray<float> coefficients_;
};

}  // namespace maskclass::cuda
