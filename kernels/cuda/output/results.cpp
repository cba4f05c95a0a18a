#include "kernels/cuda/output/results.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "kernels/cuda/output/biozero_posterior.h"
#include "kernels/cuda/runtime/nvtx.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda {
namespace {

constexpr const char* kUpload = "copying counts to the GPU";

float* moved(float* block, std::int64_t by) {
  return block == nullptr ? nullptr : block + by;
}

/// Where the blocks after `n_cells` cells go.
ResultBlock after(const ResultBlock& out, std::int64_t n_cells, std::int64_t n_genes,
                  std::int64_t latent) {
  return {moved(out.log2, n_cells * n_genes), moved(out.counts, n_cells * n_genes),
          moved(out.latent, n_cells * latent), moved(out.biozero, n_cells * n_genes)};
}

}  // namespace

Results::Results(ResultInputs inputs, CudaNetwork& network)
    : inputs_(std::move(inputs)), network_(network), context_(network.context()) {
  const auto n = static_cast<std::size_t>(n_cells());
  const auto n_fitted = static_cast<std::int64_t>(inputs_.biozero_genes.size());
  if ((n_fitted != 0 && n_fitted != n_genes()) || inputs_.indptr.size() != n + 1 ||
      inputs_.library_factors.size() != n || inputs_.indices.size() != inputs_.counts.size() ||
      inputs_.indptr.back() != static_cast<std::int64_t>(inputs_.counts.size())) {
    throw std::invalid_argument("Results: arrays of different data sets");
  }
  const std::size_t block_cells = std::min<std::size_t>(n, kBlockCells);
  const std::size_t block_values = block_cells * n_genes();
  const auto block_nonzeros = static_cast<std::size_t>(most_nonzeros_a_block());
  MemoryPlan plan;
  plan.add(indptr_, "row starts", n + 1);
  plan.add(size_factors_, "size factors", n);
  plan.add(library_factors_, "library factors", n);
  plan.add(log_library_factors_, "library factors", n);
  plan.add(biozero_genes_, "dropout model", inputs_.biozero_genes.size());
  plan.add(indices_, "counts of a block", block_nonzeros);
  plan.add(counts_, "counts of a block", block_nonzeros);
  plan.add(log2_out_, "results of a block", block_values);
  plan.add(counts_out_, "results of a block", block_values);
  plan.add(biozero_out_, "results of a block", n_fitted == 0 ? 0 : block_values);
  plan.add(latent_out_, "results of a block", block_cells * network.shape().latent);
  device_bytes_ = plan.bytes();
  plan.allocate(context_);

  std::vector<double> log_factors(n);
  std::transform(inputs_.library_factors.begin(), inputs_.library_factors.end(),
                 log_factors.begin(), [](double factor) { return std::log(factor); });
  indptr_.upload(inputs_.indptr, context_, kUpload);
  size_factors_.upload(inputs_.size_factors, context_, kUpload);
  library_factors_.upload(inputs_.library_factors, context_, kUpload);
  log_library_factors_.upload(log_factors, context_, kUpload);
  biozero_genes_.upload(inputs_.biozero_genes, context_, kUpload);
  synchronise(context_.stream, kUpload);
}

std::int64_t Results::most_nonzeros_a_block() const {
  // Blocks start at any cell that the caller asks for.
  const std::int64_t n = std::min(n_cells(), kBlockCells);
  std::int64_t most = 0;
  for (std::int64_t first = 0; first + n <= n_cells(); ++first) {
    most = std::max(most, inputs_.indptr[first + n] - inputs_.indptr[first]);
  }
  return most;
}

void Results::require_cells(std::int64_t first_cell, std::int64_t n) const {
  if (first_cell < 0 || n < 0 || n > n_cells() - first_cell) {
    throw std::invalid_argument("Results: no such cells");
  }
}

DeviceCsr Results::load_counts(std::int64_t first_cell, std::int64_t n) {
  const std::int64_t first = inputs_.indptr[first_cell];
  const std::int64_t n_nonzeros = inputs_.indptr[first_cell + n] - first;
  indices_.upload(inputs_.indices.subspan(first, n_nonzeros), context_, kUpload);
  counts_.upload(inputs_.counts.subspan(first, n_nonzeros), context_, kUpload);
  DeviceCsr counts;
  counts.n_cells = n;
  counts.n_nonzeros = n_nonzeros;
  counts.n_genes = static_cast<std::int32_t>(n_genes());
  counts.indptr = indptr_.data() + first_cell;
  counts.indices = indices_.data();
  counts.values = counts_.data();
  counts.first_nonzero = first;
  return counts;
}

/// At most kBlockCells cells, to device memory.
void Results::compute_block(std::int64_t first_cell, std::int64_t n, const ResultBlock& out) {
  const DeviceCsr counts = load_counts(first_cell, n);
  float* log2 = out.log2 == nullptr && out.counts != nullptr ? log2_out_.data() : out.log2;
  if (log2 != nullptr || out.latent != nullptr) {
    network_.reconstruct_on_device(first_cell, n, log2, out.latent);
  }
  if (log2 != nullptr) {
    finish_results(counts, size_factors_.data() + first_cell, library_factors_.data() + first_cell,
                   inputs_.finish, log2, out.counts, context_);
  }
  if (out.biozero != nullptr) {
    if (biozero_genes_.size() == 0) throw std::invalid_argument("Results: no dropout model");
    biozero_posteriors(counts, biozero_genes_.data(), inputs_.dropout,
                       log_library_factors_.data() + first_cell, out.biozero, context_);
  }
}

void Results::compute_on_device(std::int64_t first_cell, std::int64_t n, const ResultBlock& out) {
  require_cells(first_cell, n);
  const Range range("results");
  for (std::int64_t done = 0; done < n; done += kBlockCells) {
    compute_block(first_cell + done, std::min(kBlockCells, n - done),
                  after(out, done, n_genes(), network_.shape().latent));
  }
}

void Results::compute(std::int64_t first_cell, std::int64_t n, const ResultBlock& out) {
  require_cells(first_cell, n);
  const Range range("results");
  const Drain drain(context_.stream);
  constexpr const char* kWhat = "copying results from the GPU";
  const std::int64_t latent = network_.shape().latent;
  const ResultBlock block{out.log2 == nullptr ? nullptr : log2_out_.data(),
                          out.counts == nullptr ? nullptr : counts_out_.data(),
                          out.latent == nullptr ? nullptr : latent_out_.data(),
                          out.biozero == nullptr ? nullptr : biozero_out_.data()};
  for (std::int64_t done = 0; done < n; done += kBlockCells) {
    const std::int64_t n_block = std::min(kBlockCells, n - done);
    compute_block(first_cell + done, n_block, block);
    const ResultBlock to = after(out, done, n_genes(), latent);
    const auto copy = [&](float* host, const DeviceArray<float>& array, std::int64_t width) {
      if (host == nullptr) return;
      array.download({host, static_cast<std::size_t>(n_block * width)}, context_, kWhat);
    };
    copy(to.log2, log2_out_, n_genes());
    copy(to.counts, counts_out_, n_genes());
    copy(to.biozero, biozero_out_, n_genes());
    copy(to.latent, latent_out_, latent);
    synchronise(context_.stream, "results on the GPU");
  }
}

}  // namespace maskclass::cuda
