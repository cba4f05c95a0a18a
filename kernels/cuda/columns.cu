// From compressed rows to the kernels' own form of a data set (columns.h).
//
// One thread a segment: it finds the first entry of its slice in the cell's row by bisection and
// sets a bit for each entry up to the slice's end. Reads the indices once (each 4 bytes, and about
// log2(entries of a row) more for the bisection), writes 8 bytes a segment.
#include "kernels/cuda/columns.h"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    segments_kernel(std::int64_t n_segments, std::int32_t n_slices, const std::int64_t* indptr,
                    const std::int32_t* indices, Segment* segments) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= n_segments) return;
  const std::int64_t cell = at / n_slices;
  const auto first_gene = static_cast<std::int32_t>(at % n_slices) * kSliceGenes;
  const std::int64_t row_end = indptr[cell + 1];
  std::int64_t low = indptr[cell];
  for (std::int64_t high = row_end; low < high;) {
    const std::int64_t middle = low + (high - low) / 2;
    if (indices[middle] < first_gene) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  Segment segment{0, static_cast<std::uint32_t>(low - indptr[cell])};
  for (; low < row_end && indices[low] < first_gene + kSliceGenes; ++low) {
    segment.present |= 1u << (indices[low] - first_gene);
  }
  segments[at] = segment;
}

}  // namespace

void build_segments(std::int64_t n_cells, std::int32_t n_genes, const std::int64_t* indptr,
                    const std::int32_t* indices, Segment* segments, cudaStream_t stream) {
  const std::int32_t n_slices = slices_of(n_genes);
  const std::int64_t n_segments = n_cells * n_slices;
  if (n_segments == 0) return;
  const auto n_blocks = static_cast<unsigned>((n_segments + kThreads - 1) / kThreads);
  segments_kernel<<<n_blocks, kThreads, 0, stream>>>(n_segments, n_slices, indptr, indices,
                                                     segments);
  check_launch("segments_kernel");
}

}  // namespace maskclass::cuda
