// From compressed rows to the kernels' own form of a data set, and that in an epoch's order
// (columns.h).
//
// segments_kernel: one thread a segment. It finds the first entry of its slice in the cell's row by
// bisection and sets a bit for each entry up to the slice's end. Reads the indices once (each 4
// bytes, and about log2(entries of a row) more for the bisection), writes 8 bytes a segment.
//
// order_kernel: a block of 256 threads has 32 cells x 32 slices, which a tile of 8.25 KB in shared
// memory turns from cell after cell, as they are read, into slice after slice, as they are written:
// 256 neighbouring bytes a warp on either side. Reads and writes 8 bytes a segment and 20 a cell.
#include <stdexcept>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/runtime/error.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarpSize = 32;
constexpr int kOrderTile = 32;  // cells, and slices

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

__global__ void __launch_bounds__(kThreads)
    order_kernel(StoredCells stored, const std::uint32_t* order, std::int64_t n_cells,
                 std::int32_t n_slices, OrderedCells ordered) {
  __shared__ Segment tile[kOrderTile][kOrderTile + 1];
  const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::int64_t first_cell = static_cast<std::int64_t>(blockIdx.x) * kOrderTile;
  const auto first_slice = static_cast<std::int32_t>(blockIdx.y) * kOrderTile;
  for (int k = warp; k < kOrderTile; k += kThreads / kWarpSize) {
    if (first_cell + k >= n_cells || first_slice + lane >= n_slices) continue;
    const std::int64_t row = order[first_cell + k];
    tile[k][lane] = stored.segments[row * n_slices + first_slice + lane];
  }
  __syncthreads();
  const std::int64_t cell = first_cell + lane;
  if (cell >= n_cells) return;
  for (int k = warp; k < kOrderTile && first_slice + k < n_slices; k += kThreads / kWarpSize) {
    ordered.segments[(first_slice + k) * ordered.capacity + cell] = tile[lane][k];
  }
  if (blockIdx.y > 0 || warp > 0) return;
  const std::uint32_t row = order[cell];
  ordered.row_start[cell] = stored.row_start[row];
  ordered.ids[cell] = stored.ids[row];
  ordered.position[cell] = stored.position[row];
  ordered.shrink[cell] = stored.shrink[row];
  if (stored.curve != nullptr) ordered.curve[cell] = stored.curve[row];
}

unsigned tiles_for(std::int64_t n) {
  return static_cast<unsigned>((n + kOrderTile - 1) / kOrderTile);
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

void order_cells(const StoredCells& stored, const std::uint32_t* order, std::int64_t n_cells,
                 std::int32_t n_slices, const OrderedCells& ordered, cudaStream_t stream) {
  if (n_cells < 1 || n_cells > ordered.capacity) {
    throw std::invalid_argument("order_cells: no cells, or more than there is room for");
  }
  order_kernel<<<dim3(tiles_for(n_cells), tiles_for(n_slices)), kThreads, 0, stream>>>(
      stored, order, n_cells, n_slices, ordered);
  check_launch("order_kernel");
}

}  // namespace maskclass::cuda
