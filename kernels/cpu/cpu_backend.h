#pragma once

#include <memory>

#include "kernels/backend.h"

namespace maskclass::cpu {

/// Trains on the processor's vector units with n_threads threads (>= 1), on n_processors (0: those
/// of the affinity mask). The results do not depend on either. Not for use by two threads at once.
std::unique_ptr<Backend> make_cpu_backend(const ScaledData& data, const NetworkShape& shape,
                                          const TrainingOptions& options, int n_threads,
                                          int n_processors = 0);

}  // namespace maskclass::cpu
