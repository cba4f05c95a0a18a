#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace maskclass {

/// The order in which an epoch visits the cells: rows sorted by 64 random bits of their cell (the
/// first two Philox words of purpose `shuffle`, the first one higher), then by row.
/// `cell_ids` [n_cells] are indices in the input.
std::vector<std::uint32_t> cell_order(std::span<const std::uint32_t> cell_ids, std::uint32_t epoch,
                                      std::uint64_t seed);

}  // namespace maskclass
