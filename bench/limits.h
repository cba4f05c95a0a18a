#pragma once

#include <cstdint>

namespace maskclass::bench {

/// What `n_threads` cores of this machine do at best: measured now, on one, by its processor time,
/// and multiplied. So neighbours on a shared machine make no limit look easier to reach.
struct Limits {
  double blas_flops = 0;     ///< OpenBLAS, float32, 1024^3; 0 where the build found none
  double own_flops = 0;      ///< the kernels' own tiles, the same product
  double memory_rate = 0;    ///< bytes a second, read and written: a core's share of three arrays
                             ///< of n_weights floats, again and again
  double philox_blocks = 0;  ///< a second
  double adam_updates = 0;   ///< weights a second: Adam alone, from gradients in an array
};

Limits measure_limits(int n_threads, std::int64_t n_weights);

/// The least time of a dense training step in seconds, by its parts: the products of `n_weights`
/// weights with a batch, three times each but for the gradient of the input; value, two moments
/// read and written; a Philox block for every four masks and one for every four noises.
struct Floor {
  double products = 0;
  double adam = 0;
  double philox = 0;
  double total() const { return products + adam + philox; }
};
Floor dense_floor(const Limits& limits, std::int64_t n_weights, std::int64_t batch_size,
                  std::int64_t n_genes);

}  // namespace maskclass::bench
