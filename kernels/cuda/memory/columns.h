#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/math/gene_scaling.h"

namespace maskclass::cuda {

/// Genes of a slice: the bits of one word. Slices depend on the number of genes alone.
inline constexpr int kSliceGenes = 32;

/// The genes of one slice in one cell.
struct alignas(8) Segment {
  std::uint32_t present;  ///< Bit k: gene 32 * slice + k is not zero.
  std::uint32_t offset;   ///< Where the segment's values begin within the cell's.
};

/// The cells of a data set as they are stored on the device, in the order of the input: for each
/// cell and slice a word that says which genes are there. A segment's values are found by one load
/// and a population count, without a search; 8 bytes for 32 entries take the place of 4 a non-zero.
struct StoredCells {
  const std::int64_t* row_start = nullptr;  ///< [n_cells]: where a cell's values begin
  const Segment* segments = nullptr;        ///< [n_cells][n_slices]
  const std::uint32_t* ids = nullptr;       ///< [n_cells]: index in the input
  const float* position = nullptr;          ///< [n_cells]: biozero.h's t
  const float* shrink = nullptr;            ///< [n_cells]
  const std::uint32_t* curve = nullptr;     ///< [n_cells]: of dropout; null where there is one
};

/// The same in the order in which batches take the cells, slice by slice: a batch's cells, which
/// lie anywhere in the data set, are neighbours here, so that no phase of a step looks for them.
struct OrderedCells {
  std::int64_t* row_start = nullptr;  ///< [capacity]
  Segment* segments = nullptr;        ///< [n_slices][capacity]
  std::uint32_t* ids = nullptr;       ///< [capacity]
  float* position = nullptr;          ///< [capacity]
  float* shrink = nullptr;            ///< [capacity]
  std::uint32_t* curve = nullptr;     ///< [capacity]; null where there is one curve
  std::int64_t capacity = 0;
};

/// The data set as the kernels of a step read it, on the device.
struct Columns {
  OrderedCells cells;
  const float* values = nullptr;                ///< [n_nonzeros], scaled, as compressed rows
  const GeneScaling* genes = nullptr;           ///< [n_genes]
  const float* biozero_coefficients = nullptr;  ///< [n_curves][n_genes][kBiozeroTerms]
  std::int32_t n_genes = 0;
  std::int32_t n_slices = 0;
};

inline std::int32_t slices_of(std::int32_t n_genes) {
  return (n_genes + kSliceGenes - 1) / kSliceGenes;
}

/// Fills `segments` [n_cells][slices_of(n_genes)] from compressed rows on the device whose indices
/// ascend within a row. Source: kernels/cuda/memory/columns.cu.
void build_segments(std::int64_t n_cells, std::int32_t n_genes, const std::int64_t* indptr,
                    const std::int32_t* indices, Segment* segments, cudaStream_t stream);

/// Puts the cells of the rows `order` [n_cells], device memory, into `ordered`, whose capacity is
/// at least n_cells. Asynchronous, one launch. Source: kernels/cuda/memory/columns.cu.
void order_cells(const StoredCells& stored, const std::uint32_t* order, std::int64_t n_cells,
                 std::int32_t n_slices, const OrderedCells& ordered, cudaStream_t stream);

}  // namespace maskclass::cuda
