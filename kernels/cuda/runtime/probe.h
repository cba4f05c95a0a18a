#pragma once

namespace maskclass::cuda {

/// Whether this build's kernels can run on the calling thread's GPU. All of them are compiled for
/// the same architectures, so one speaks for all. Throws DeviceError for other faults.
bool has_code_for_current_device();

}  // namespace maskclass::cuda
