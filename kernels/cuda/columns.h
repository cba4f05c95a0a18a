#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/gene_scaling.h"

namespace maskclass::cuda {

/// Genes of a slice: the bits of one word. Slices depend on the number of genes alone.
inline constexpr int kSliceGenes = 32;

/// The genes of one slice in one cell.
struct Segment {
  std::uint32_t present;  ///< Bit k: gene 32 * slice + k is not zero.
  std::uint32_t offset;   ///< Where the segment's values begin within the cell's.
};

/// The data set as the kernels read it, on the device: for each cell and slice a word that says
/// which genes are there, and the scaled values in the order of compressed rows. A segment of a
/// random cell is found by one load and its values by a population count, so that a batch of
/// shuffled cells is gathered without a search; 8 bytes for 32 entries take the place of 4 a
/// non-zero.
struct Columns {
  const std::int64_t* row_start = nullptr;      ///< [n_cells]: where a cell's values begin
  const Segment* segments = nullptr;            ///< [n_cells][n_slices]
  const float* values = nullptr;                ///< [n_nonzeros], scaled
  const std::uint32_t* cell_ids = nullptr;      ///< [n_cells]: index in the input
  const float* position = nullptr;              ///< [n_cells]: biozero.h's t
  const float* shrink = nullptr;                ///< [n_cells]
  const GeneScaling* genes = nullptr;           ///< [n_genes]
  const float* biozero_coefficients = nullptr;  ///< [n_genes][kBiozeroTerms]
  std::int32_t n_genes = 0;
  std::int32_t n_slices = 0;
};

inline std::int32_t slices_of(std::int32_t n_genes) {
  return (n_genes + kSliceGenes - 1) / kSliceGenes;
}

/// Fills `segments` [n_cells][slices_of(n_genes)] from compressed rows on the device whose indices
/// ascend within a row. Source: kernels/cuda/columns.cu.
void build_segments(std::int64_t n_cells, std::int32_t n_genes, const std::int64_t* indptr,
                    const std::int32_t* indices, Segment* segments, cudaStream_t stream);

}  // namespace maskclass::cuda
