#pragma once

#include <cuda_runtime_api.h>

namespace maskclass::test {

/// Adds 1 to each of the n > 0 values on the device, in the order of the stream.
void add_one(int* values, int n, cudaStream_t stream);

/// A launch that CUDA refuses: more threads in a block than there can be.
void launch_too_many_threads(cudaStream_t stream);

}  // namespace maskclass::test
