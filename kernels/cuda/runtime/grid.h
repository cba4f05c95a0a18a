#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace maskclass::cuda {

/// Blocks for `items` >= 0 of which each takes `per_block`. Throws std::invalid_argument, for the
/// function `who`, beyond what a grid can have.
inline unsigned blocks_for(std::int64_t items, std::int64_t per_block, const char* who) {
  constexpr std::int64_t kMostBlocks = (std::int64_t{1} << 31) - 1;
  const std::int64_t blocks = (items + per_block - 1) / per_block;
  if (items < 0 || blocks > kMostBlocks) {
    throw std::invalid_argument(std::string(who) + ": " + std::to_string(items) +
                                " items do not fit into a grid");
  }
  return static_cast<unsigned>(blocks);
}

}  // namespace maskclass::cuda
