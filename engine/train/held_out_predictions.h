#pragma once

#include <cstdint>
#include <vector>

#include "engine/matrix/held_out.h"
#include "kernels/backend.h"

namespace maskclass {

/// The network's output, log2(1 + normalised count), for the non-zeros that were set aside, in
/// their order. `backend` is over the thinned data, so that it does not see them.
std::vector<float> predict_held_out(Backend& backend, std::int64_t n_cells, std::int64_t n_genes,
                                    const Thinned& thinned);

}  // namespace maskclass
