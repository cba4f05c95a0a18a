#pragma once

namespace maskclass {

/// The number of threads to use where the caller names none: the processors that this process may
/// run on (its affinity mask), cut to the CPU quota of its control group. At least 1.
int default_thread_count();

}  // namespace maskclass
