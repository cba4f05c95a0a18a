#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/math/gene_scaling.h"

namespace maskclass::cuda {

/// Winsorising bounds: quantiles of a gene's log2 values over all cells, zeros included.
struct QuantileRange {
  double low = 0.02;
  double high = 0.995;
};

/// What fit_gene_scaling works in: 16 bytes a non-zero and a little.
struct GeneScalingWorkspace {
  DeviceArray<std::uint32_t> sorted_genes;  ///< [n_nonzeros]
  DeviceArray<std::uint32_t> grouped;       ///< [n_nonzeros]: bits of the log2 values, gene by gene
  DeviceArray<std::int64_t> starts;         ///< [n_genes + 1]: where each gene's begin
  DeviceArray<std::byte> sort;              ///< CUB's
  void plan(MemoryPlan& memory, std::int64_t n_nonzeros, std::int32_t n_genes);
};

/// The scaling of every gene (paper, Section 2.4): exact type 7 quantiles of its log2 values over
/// all cells, and its largest count; the bits of fit_gene_scaling (engine/preprocess) on the CPU.
/// log2_values [n_nonzeros] and largest_counts [n_genes] are log_normalise's; scaling_out
/// [n_genes]; all device memory. `workspace` is planned for these sizes and allocated.
/// Does not synchronise. Throws std::invalid_argument for missing arrays, no cells, quantiles that
/// are not in [0, 1], and std::logic_error for a workspace that is too small.
void fit_gene_scaling(const DeviceCsr& counts, const float* log2_values,
                      const float* largest_counts, const QuantileRange& quantiles,
                      GeneScalingWorkspace& workspace, GeneScaling* scaling_out,
                      const Context& context);

/// s of each stored non-zero: scale() of kernels/math/gene_scaling.h. genes, log2_values and
/// scaled_out [n_nonzeros]; scaled_out may be log2_values. All device memory.
/// Does not synchronise. Throws std::invalid_argument for missing arrays.
void scale_nonzeros(std::int64_t n_nonzeros, const std::int32_t* genes, const float* log2_values,
                    const GeneScaling* scaling, float* scaled_out, const Context& context);

}  // namespace maskclass::cuda
