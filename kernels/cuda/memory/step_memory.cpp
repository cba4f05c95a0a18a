#include "kernels/cuda/memory/step_memory.h"

#include <algorithm>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda {
namespace {

int rounded_up(int n, int divisor) {
  return (n + divisor - 1) / divisor;
}

}  // namespace

ExchangeMemory::ExchangeMemory(const NetworkShape& shape, int most_cells, MemoryPlan& plan) {
  const std::size_t n_slices = slices_of(shape.n_genes);
  const std::size_t n_cells = most_cells;
  const std::size_t n_tiles = rounded_up(most_cells, kTileCells);
  const std::size_t n_groups = rounded_up(most_cells, kGroupCells);
  const std::size_t hidden = shape.hidden;
  const std::size_t latent = shape.latent;
  plan.add(partial_, "partial sums", n_slices * n_cells * hidden);
  plan.add(decoder_input_, "activations", n_cells * hidden);
  plan.add(encoder_gradient_, "gradients", n_cells * hidden);
  plan.add(block_output_[0], "activations", n_cells * hidden);
  plan.add(block_output_[1], "activations", n_cells * latent);
  plan.add(block_gradient_[0], "gradients", n_cells * latent);
  plan.add(block_gradient_[1], "gradients", n_cells * hidden);
  plan.add(trace_, "normalised activations", n_cells * (2 * hidden + latent + 3));
  plan.add(vector_gradient_, "gradients of gains, shifts and biases",
           n_groups * 3 * (2 * hidden + latent));
  plan.add(tile_sums_, "denominators of the loss", n_slices * n_tiles);
  plan.add(slice_loss_, "parts of the loss", n_slices);
  plan.add(loss_scale_, "scale of the loss", 1);
  plan.add(output_gradient_, "gradients of the outputs",
           n_tiles > 1 ? n_slices * n_tiles * kTileCells * kSliceGenes : 0);
}

Exchange ExchangeMemory::view() const {
  Exchange exchange;
  exchange.partial = partial_.data();
  exchange.decoder_input = decoder_input_.data();
  exchange.encoder_gradient = encoder_gradient_.data();
  for (int k = 0; k < 2; ++k) {
    exchange.block_output[k] = block_output_[k].data();
    exchange.block_gradient[k] = block_gradient_[k].data();
  }
  exchange.trace = trace_.data();
  exchange.vector_gradient = vector_gradient_.data();
  exchange.tile_sums = tile_sums_.data();
  exchange.slice_loss = slice_loss_.data();
  exchange.loss_scale = loss_scale_.data();
  exchange.output_gradient = output_gradient_.data();
  return exchange;
}

ScheduleMemory::ScheduleMemory(std::int64_t most_cells, std::int64_t most_batches,
                               MemoryPlan& plan) {
  plan.add(state_, "state of the epoch", 1);
  plan.add(order_, "order of the cells", most_cells);
  plan.add(adam_, "factors of the steps", most_batches);
  plan.add(losses_, "losses", most_batches);
}

void ScheduleMemory::allocate_host() {
  host_state_ = PinnedArray<EpochState>(state_.size());
  host_order_ = PinnedArray<std::uint32_t>(order_.size());
  host_adam_ = PinnedArray<AdamStep>(adam_.size());
  host_losses_ = PinnedArray<BatchLoss>(losses_.size());
}

void ScheduleMemory::start(std::uint32_t epoch, std::span<const std::uint32_t> order,
                           const TrainingOptions& options, std::int64_t first_step,
                           const Context& context) {
  constexpr const char* kWhat = "copying the order of the cells to the GPU";
  const std::size_t n_batches = (order.size() + options.batch_size - 1) / options.batch_size;
  std::copy(order.begin(), order.end(), host_order_.data());
  for (std::size_t k = 0; k < n_batches; ++k) {
    host_adam_.data()[k] = adam_step(options, first_step + static_cast<std::int64_t>(k));
  }
  *host_state_.data() = {epoch, static_cast<std::uint32_t>(order.size()),
                         static_cast<std::uint32_t>(n_batches), 0, 0};
  order_.upload(host_order_.span().first(order.size()), context, kWhat);
  adam_.upload(host_adam_.span().first(n_batches), context, kWhat);
  state_.upload(host_state_.span(), context, kWhat);
}

void ScheduleMemory::fetch_losses(std::size_t n, const Context& context) {
  n_losses_ = n;
  losses_.download(host_losses_.span().first(n), context, "copying the losses from the GPU");
}

}  // namespace maskclass::cuda
