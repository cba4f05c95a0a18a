#include "kernels/cuda/preprocess/scaled_counts.h"

#include <stdexcept>
#include <string>

#include "kernels/cuda/preprocess/normalise.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda {

ScaledCounts::ScaledCounts(const DeviceCsr& counts, const Context& context)
    : counts_(counts), context_(context) {
  require_csr(counts, "ScaledCounts");
  if (counts.n_cells == 0) throw std::invalid_argument("ScaledCounts: there are no cells");
  const auto n_cells = static_cast<std::size_t>(counts.n_cells);
  const auto n_genes = static_cast<std::size_t>(counts.n_genes);
  MemoryPlan plan;
  plan.add(sizes_, "library sizes", n_cells);
  plan.add(size_factors_, "size factors", n_cells);
  plan.add(statistics_, "median library size", 1);
  plan.add(largest_counts_, "largest counts", n_genes);
  plan.add(genes_, "gene scaling", n_genes);
  plan.add(scaled_, "scaled values", static_cast<std::size_t>(counts.n_nonzeros));
  workspace_.plan(plan, counts.n_nonzeros, counts.n_genes);
  plan.allocate(context_);
}

void ScaledCounts::measure_libraries() {
  measure_libraries_of(counts_, sizes_.data(), size_factors_.data(), statistics_.data(), context_);
  LibraryStatistics statistics{};
  statistics_.download({&statistics, 1}, context_, "copying library sizes from the GPU");
  synchronise(context_.stream, "library sizes");
  if (statistics.first_empty_cell != LibraryStatistics::kNoCell) {
    throw std::invalid_argument("cell " + std::to_string(statistics.first_empty_cell + 1) +
                                " (counted from 1) has no counts");
  }
  median_ = statistics.median;
}

void ScaledCounts::set_size_factors(std::span<const double> size_factors) {
  if (size_factors.size() != size_factors_.size()) {
    throw std::invalid_argument("ScaledCounts: there must be a size factor a cell");
  }
  size_factors_.upload(size_factors, context_, "copying size factors to the GPU");
  synchronise(context_.stream, "copying size factors to the GPU");
}

void ScaledCounts::scale(const QuantileRange& quantiles) {
  // The log2 values take the place that their scaled ones will have.
  log_normalise(counts_, size_factors_.data(), scaled_.data(), largest_counts_.data(), context_);
  fit_gene_scaling(counts_, scaled_.data(), largest_counts_.data(), quantiles, workspace_,
                   genes_.data(), context_);
  scale_nonzeros(counts_.n_nonzeros, counts_.indices, scaled_.data(), genes_.data(), scaled_.data(),
                 context_);
  workspace_ = {};
}

void ScaledCounts::download(std::span<GeneScaling> genes_out, std::span<float> scaled_out) const {
  if (genes_out.size() != genes_.size() || scaled_out.size() != scaled_.size()) {
    throw std::invalid_argument("ScaledCounts: the results have another shape");
  }
  genes_.download(genes_out, context_, "copying the scaling of genes from the GPU");
  scaled_.download(scaled_out, context_, "copying scaled values from the GPU");
  synchronise(context_.stream, "normalisation and scaling");
}

}  // namespace maskclass::cuda
