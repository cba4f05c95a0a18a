#pragma once

#include <cstdint>

#include "kernels/cpu/training_state.h"

namespace maskclass::cpu {

/// The five phases of a training step, compiled for one instruction set. The driver
/// (cpu_backend.cpp) decides which thread runs which slice or group, and waits between phases.
struct Phases {
  const char* instruction_set;  ///< Highway's name of it

  // Phase 1: at the first gene of a thread's slices, then by slice, ascending, since the batch's
  // cursors move on.
  void (*seek_gene)(const TrainingState&, Batch&, std::int32_t gene);
  void (*gather_slice)(TrainingState&, Batch&, std::int32_t slice);
  void (*corrupt_slice)(TrainingState&, Batch&, std::int32_t slice);
  void (*encode_slice)(TrainingState&, Batch&, std::int32_t slice);
  // Phase 2, by group of 16 cells.
  void (*trunk_forward)(TrainingState&, const Batch&, std::int64_t group);
  // Phase 3, by slice.
  void (*decode_slice)(TrainingState&, Batch&, std::int32_t slice);
  // Phase 4, by group.
  void (*trunk_backward)(TrainingState&, const Batch&, std::int64_t group);
  // Phase 5, by slice; and by block of the network.
  void (*update_encoder)(TrainingState&, const Batch&, std::int32_t slice);
  void (*update_trunk)(TrainingState&, const Batch&, int block);

  // Inference, by slice: the scaled input without masks in phase 1, and in place of phase 3 the
  // output as log2 values, log2_out [cell of the batch][n_genes].
  void (*load_slice)(TrainingState&, Batch&, std::int32_t slice);
  void (*reconstruct_slice)(TrainingState&, const Batch&, std::int32_t slice, float* log2_out);
};

/// The phases for the best instruction set of this machine.
const Phases& phases();

}  // namespace maskclass::cpu
