#include "engine/model/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "kernels/math/philox.h"

namespace maskclass {
namespace {

/// Fills one linear layer.
void draw_layer(std::uint64_t seed, std::uint32_t layer, std::int32_t fan_in,
                std::span<float> weight, std::span<float> bias) {
  const float bound = static_cast<float>(1 / std::sqrt(static_cast<double>(fan_in)));
  std::uint64_t index = 0;
  for (const std::span<float> array : {weight, bias}) {
    for (float& value : array) {
      const std::uint32_t bits =
          philox::random_bits(seed, philox::Purpose::initial_weights, 0, layer, index++);
      value = bound * (2 * philox::to_unit_float(bits) - 1);
    }
  }
}

}  // namespace

Parameters initial_weights(const NetworkShape& shape, std::uint64_t seed) {
  Parameters parameters = make_parameters(shape);
  const std::int32_t fan_in[] = {shape.n_genes, shape.hidden, shape.latent};
  for (std::uint32_t b = 0; b < 3; ++b) {
    BlockParameters& block = parameters.blocks[b];
    draw_layer(seed, b, fan_in[b], block.weight, block.bias);
    std::fill(block.gain.begin(), block.gain.end(), 1.0f);
  }
  draw_layer(seed, 3, shape.hidden, parameters.output_weight, parameters.output_bias);
  return parameters;
}

}  // namespace maskclass
