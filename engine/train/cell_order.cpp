#include "engine/train/cell_order.h"

#include <algorithm>
#include <utility>

#include "kernels/math/philox.h"

namespace maskclass {

std::vector<std::uint32_t> cell_order(std::span<const std::uint32_t> cell_ids, std::uint32_t epoch,
                                      std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(cell_ids.size());
  for (std::size_t row = 0; row < cell_ids.size(); ++row) {
    const philox::Words words = philox::random_words(
        philox::counter_of(philox::Purpose::shuffle, epoch, cell_ids[row], 0), seed);
    keys[row] = {static_cast<std::uint64_t>(words[0]) << 32 | words[1],
                 static_cast<std::uint32_t>(row)};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::uint32_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(),
                 [](const auto& key) { return key.second; });
  return order;
}

}  // namespace maskclass
