#pragma once

/// Marks a formula that the CPU and the CUDA backend share.
#ifdef __CUDACC__
#define MASKCLASS_HOST_DEVICE __host__ __device__
#else
#define MASKCLASS_HOST_DEVICE
#endif
