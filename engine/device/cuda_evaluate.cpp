#include <algorithm>

#include "engine/device/cuda_calls.h"
#include "kernels/cuda/evaluate/gene_products.h"

namespace maskclass::gpu {
namespace {

/// Nothing where the GPU's memory is short.
std::unique_ptr<cuda::GeneProducts> begin(const CellBlocks& blocks, const cuda::Context& context) {
  const std::int64_t block = std::min(blocks.n_cells, cells_a_block(blocks.n_genes));
  try {
    return std::make_unique<cuda::GeneProducts>(static_cast<std::int32_t>(blocks.n_genes),
                                                static_cast<std::int32_t>(block), context);
  } catch (const cuda::DeviceError& error) {
    if (error.fault() != cuda::Fault::memory) throw;
    return nullptr;
  }
}

}  // namespace

std::optional<std::vector<double>> gene_products(const CellBlocks& blocks,
                                                 std::span<const double> means,
                                                 const DeviceOptions& options) {
  return setting_up([&]() -> std::optional<std::vector<double>> {
    const Scope scope(options);
    const cuda::Range range("principal components");
    const ScopedContext context(options);
    const auto products = begin(blocks, context.get());
    if (!products) return std::nullopt;
    return on_gpu(cuda::current_device().index, [&] {
      std::vector<double> result(blocks.n_genes * blocks.n_genes);
      const cuda::Drain drain(context.get().stream);
      products->start(means);
      for_each_block(blocks, [&](std::int64_t, std::int64_t n_cells, const float* values) {
        products->add({values, static_cast<std::size_t>(n_cells * blocks.n_genes)});
      });
      products->download(result);
      return result;
    });
  });
}

}  // namespace maskclass::gpu
