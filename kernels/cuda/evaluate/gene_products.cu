// centre: a thread a value. Reads 4 bytes and 8 of the means, which the caches hold, writes 8; one
//   subtraction.
// Dsyrk of cuBLAS: reads the block of 8 n_cells n_genes bytes and reads and writes the triangle,
//   4 n_genes^2 bytes each; n_cells n_genes (n_genes + 1) operations.
// mirror: a thread an element of the upper triangle; a tile of 32 x 33 float64 in shared memory
//   turns rows into columns, so that both sides are coalesced. 8 bytes read, 8 written an element.
#include <algorithm>

#include "kernels/cuda/evaluate/gene_products.h"
#include "kernels/cuda/runtime/grid.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 32;
constexpr int kTileRows = 8;  // rows of a tile that a block works on at a time

__global__ void __launch_bounds__(kThreads)
    centre(std::int64_t size, std::int32_t n_genes, const float* __restrict__ values,
           const double* __restrict__ means, double* __restrict__ centred) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < size) centred[at] = static_cast<double>(values[at]) - means[at % n_genes];
}

/// Copies element (row, column), column <= row, of products[row][column] to (column, row).
__global__ void __launch_bounds__(kTile* kTileRows)
    mirror(std::int32_t n_genes, double* __restrict__ products) {
  __shared__ double tile[kTile][kTile + 1];
  if (blockIdx.x > blockIdx.y) return;
  const auto first_row = static_cast<std::int64_t>(blockIdx.y) * kTile;
  const auto first_column = static_cast<std::int64_t>(blockIdx.x) * kTile;
  for (int i = threadIdx.y; i < kTile; i += kTileRows) {
    const std::int64_t row = first_row + i;
    const std::int64_t column = first_column + threadIdx.x;
    if (row < n_genes && column <= row) tile[i][threadIdx.x] = products[row * n_genes + column];
  }
  __syncthreads();
  for (int i = threadIdx.y; i < kTile; i += kTileRows) {
    const std::int64_t column = first_column + i;
    const std::int64_t row = first_row + threadIdx.x;
    if (row < n_genes && column < row) products[column * n_genes + row] = tile[threadIdx.x][i];
  }
}

}  // namespace

GeneProducts::GeneProducts(std::int32_t n_genes, std::int32_t most_cells, const Context& context)
    : n_genes_(n_genes), most_cells_(most_cells), context_(context), blas_(context) {
  if (n_genes < 1 || most_cells < 1) {
    throw std::invalid_argument("GeneProducts: there must be genes and cells");
  }
  const std::size_t block = static_cast<std::size_t>(most_cells) * n_genes;
  MemoryPlan plan;
  plan.add(means_, "gene means", n_genes);
  plan.add(values_, "a block of cells", block);
  plan.add(centred_, "a block of centred cells", block);
  plan.add(products_, "products of genes", static_cast<std::size_t>(n_genes) * n_genes);
  plan.allocate(context_);
}

void GeneProducts::start(std::span<const double> means) {
  if (means.size() != means_.size()) throw std::invalid_argument("GeneProducts: a mean a gene");
  means_.upload(means, context_, "copying gene means to the GPU");
  products_.clear(context_, "clearing the products of genes");
  synchronise(context_.stream, "copying gene means to the GPU");
}

void GeneProducts::add(std::span<const float> values) {
  if (values.size() > values_.size() || values.size() % n_genes_ != 0) {
    throw std::invalid_argument("GeneProducts: a block of another shape");
  }
  values_.upload(values, context_, "copying a block of cells to the GPU");
  add_on_device(static_cast<std::int64_t>(values.size()) / n_genes_, values_.data());
  synchronise(context_.stream, "products of genes");
}

void GeneProducts::add_on_device(std::int64_t n_cells, const float* values) {
  if (n_cells == 0) return;
  if (n_cells < 0 || n_cells > most_cells_ || values == nullptr) {
    throw std::invalid_argument("GeneProducts: a block of another shape");
  }
  const std::int64_t size = n_cells * n_genes_;
  centre<<<blocks_for(size, kThreads, "centre"), kThreads, 0, context_.stream>>>(
      size, n_genes_, values, means_.data(), centred_.data());
  check_launch("centre");
  // Rows of cells are columns to cuBLAS: A is n_genes x n_cells, and C = A A' + C. The triangle
  // that it calls upper, row <= column, holds products[row][column] with column <= row.
  const double one = 1;
  blas_.check(blas_.calls().dsyrk(blas_.get(), CUBLAS_FILL_MODE_UPPER, CUBLAS_OP_N, n_genes_,
                                  static_cast<int>(n_cells), &one, centred_.data(), n_genes_, &one,
                                  products_.data(), n_genes_),
              "products of genes");
}

void GeneProducts::download(std::span<double> products_out) {
  if (products_out.size() != products_.size()) {
    throw std::invalid_argument("GeneProducts: the result has another shape");
  }
  const unsigned tiles = blocks_for(n_genes_, kTile, "mirror");
  mirror<<<dim3(tiles, tiles), dim3(kTile, kTileRows), 0, context_.stream>>>(n_genes_,
                                                                             products_.data());
  check_launch("mirror");
  products_.download(products_out, context_, "copying products of genes from the GPU");
  synchronise(context_.stream, "products of genes");
}

}  // namespace maskclass::cuda
