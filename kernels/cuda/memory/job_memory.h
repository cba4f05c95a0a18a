#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/memory/data_memory.h"
#include "kernels/cuda/memory/network_memory.h"
#include "kernels/cuda/memory/step_memory.h"

namespace maskclass::cuda {

/// Cells that inference works on at a time.
inline constexpr int kInferenceCells = 256;

struct JobSize {
  std::int64_t n_cells = 0;
  std::int64_t n_nonzeros = 0;
  std::int64_t n_curves = 1;  ///< of dropout
  NetworkShape shape;
  std::int32_t batch_size = 0;
};

/// Cells on the device with the schedule that trains on them: the whole data set, or one of two
/// parts that take turns where it does not fit.
struct DataSlot {
  DataSlot(std::int64_t n_cells, std::int64_t n_nonzeros, const JobSize& job, MemoryPlan& plan);

  /// As ScheduleMemory::start(); brings the cells into that order, too.
  void start(std::uint32_t epoch, std::span<const std::uint32_t> order,
             const TrainingOptions& options, std::int64_t first_step, const Context& context) {
    schedule.start(epoch, order, options, first_step, context);
    data.order(schedule.order(), static_cast<std::int64_t>(order.size()), context);
  }

  std::int64_t most_cells;
  std::int64_t most_nonzeros;
  DataMemory data;
  ScheduleMemory schedule;
};

/// All memory of a job on the device, planned before any is allocated: it may take `limit` bytes.
/// Where the data set does not fit, it is cut into slots of as many whole batches as do; a job that
/// still does not fit is refused by plan.allocate().
struct JobMemory {
  JobMemory(const JobSize& size, std::size_t limit);

  bool resident() const { return slots.size() == 1; }

  MemoryPlan plan;
  NetworkMemory network;
  ExchangeMemory exchange;
  DeviceArray<float> log2_out;  ///< [kInferenceCells][n_genes]
  std::vector<std::unique_ptr<DataSlot>> slots;
};

}  // namespace maskclass::cuda
