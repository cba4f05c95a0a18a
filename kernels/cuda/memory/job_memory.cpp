#include "kernels/cuda/memory/job_memory.h"

#include <algorithm>

namespace maskclass::cuda {
namespace {

struct SlotSize {
  std::int64_t n_cells;
  std::int64_t n_nonzeros;
};

std::size_t bytes_of(const SlotSize& slot, const JobSize& job) {
  MemoryPlan plan;
  const DataSlot probe(slot.n_cells, slot.n_nonzeros, job, plan);
  return plan.bytes();
}

/// Room for n cells of a batch or more: a quarter more non-zeros than their mean, and never fewer
/// than a batch without zeros has.
SlotSize part_of(const JobSize& job, std::int64_t n_cells) {
  const std::int64_t mean = job.n_nonzeros / std::max<std::int64_t>(job.n_cells, 1) + 1;
  const std::int64_t whole_batch = std::int64_t{job.batch_size} * job.shape.n_genes;
  return {n_cells, std::max(whole_batch, n_cells * mean * 5 / 4)};
}

/// The largest part, in whole batches, of which two take at most `bytes`; at least one batch.
SlotSize largest_part(const JobSize& job, std::size_t bytes) {
  constexpr std::int64_t kMostBatches = 256;  // more does not make copies or launches cheaper
  std::int64_t n_batches = 1;
  while (n_batches < kMostBatches &&
         2 * bytes_of(part_of(job, 2 * n_batches * job.batch_size), job) <= bytes) {
    n_batches *= 2;
  }
  return part_of(job, n_batches * job.batch_size);
}

}  // namespace

DataSlot::DataSlot(std::int64_t n_cells, std::int64_t n_nonzeros, const JobSize& job,
                   MemoryPlan& plan)
    : most_cells(n_cells),
      most_nonzeros(n_nonzeros),
      data(n_cells, n_nonzeros, job.shape.n_genes, job.n_curves, plan),
      schedule(std::max<std::int64_t>(n_cells, kInferenceCells),
               (n_cells + job.batch_size - 1) / job.batch_size, plan) {}

JobMemory::JobMemory(const JobSize& size, std::size_t limit)
    : network(size.shape, plan),
      exchange(size.shape, std::max(size.batch_size, kInferenceCells), plan) {
  plan.add(log2_out, "reconstructed values",
           static_cast<std::size_t>(kInferenceCells) * size.shape.n_genes);
  const SlotSize whole{size.n_cells, size.n_nonzeros};
  const auto add_slot = [&](const SlotSize& slot) {
    slots.push_back(std::make_unique<DataSlot>(slot.n_cells, slot.n_nonzeros, size, plan));
  };
  if (plan.bytes() + bytes_of(whole, size) <= limit) {
    add_slot(whole);
    return;
  }
  const SlotSize part = largest_part(size, limit > plan.bytes() ? limit - plan.bytes() : 0);
  add_slot(part);
  add_slot(part);
}

}  // namespace maskclass::cuda
