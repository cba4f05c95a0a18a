#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/output/finish.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/math/biozero_posterior.h"

namespace maskclass::cuda {

/// What results need beside the network. The spans are of host memory that outlives the Results.
struct ResultInputs {
  std::span<const std::int64_t> indptr;     ///< [n_cells + 1], of the counts of cells x genes
  std::span<const std::int32_t> indices;    ///< [n_nonzeros]
  std::span<const float> counts;            ///< [n_nonzeros]
  std::span<const double> size_factors;     ///< [n_cells]: median(L) / L_i
  std::span<const double> library_factors;  ///< [n_cells]: L_i / median(L)
  std::vector<BiozeroGene> biozero_genes;   ///< [n_genes], or empty: none are asked for
  DropoutLogOdds dropout;
  FinishOptions finish;
};

/// Where results of some cells go: all host or all device memory; any may be null.
struct ResultBlock {
  float* log2 = nullptr;     ///< [n_cells][n_genes]
  float* counts = nullptr;   ///< [n_cells][n_genes]
  float* latent = nullptr;   ///< [n_cells][latent]
  float* biozero = nullptr;  ///< [n_cells][n_genes]
};

/// Results of a network on a GPU, finished there: finish_results and biozero_posteriors behind
/// reconstruct_on_device, block by block. The counts of a block are copied to the device for it, so
/// that a data set need not fit there.
class Results {
 public:
  /// Device memory, from the network's context: 24 bytes a cell, 8 a non-zero and 12 a value of the
  /// blocks, which have kBlockCells cells. Waits for the stream. Throws DeviceError, and
  /// std::invalid_argument where sizes do not fit the network. The network must outlive this.
  Results(ResultInputs inputs, CudaNetwork& network);

  /// The results for cells [first_cell, first_cell + n_cells), to host memory. Waits for them.
  void compute(std::int64_t first_cell, std::int64_t n_cells, const ResultBlock& out);
  /// The same to device memory, on the stream of the network's context. Waits for the stream
  /// between blocks; what was launched last may still run when this returns.
  void compute_on_device(std::int64_t first_cell, std::int64_t n_cells, const ResultBlock& out);

  std::size_t device_bytes() const { return device_bytes_; }

  static constexpr std::int64_t kBlockCells = 1024;

 private:
  std::int64_t n_cells() const { return static_cast<std::int64_t>(inputs_.size_factors.size()); }
  std::int64_t n_genes() const { return network_.shape().n_genes; }
  std::int64_t most_nonzeros_a_block() const;
  void require_cells(std::int64_t first_cell, std::int64_t n_cells) const;
  DeviceCsr load_counts(std::int64_t first_cell, std::int64_t n_cells);
  void compute_block(std::int64_t first_cell, std::int64_t n_cells, const ResultBlock& out);

  ResultInputs inputs_;
  CudaNetwork& network_;
  Context context_;
  std::size_t device_bytes_ = 0;
  DeviceArray<std::int64_t> indptr_;
  DeviceArray<double> size_factors_;
  DeviceArray<double> library_factors_;
  DeviceArray<double> log_library_factors_;
  DeviceArray<BiozeroGene> biozero_genes_;
  DeviceArray<std::int32_t> indices_;
  DeviceArray<float> counts_;
  DeviceArray<float> log2_out_;
  DeviceArray<float> counts_out_;
  DeviceArray<float> biozero_out_;
  DeviceArray<float> latent_out_;
};

}  // namespace maskclass::cuda
