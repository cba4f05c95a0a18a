#pragma once

#include <cstdint>
#include <vector>

namespace maskclass {

/// Widths of the network G - hidden - latent - hidden - G (paper, Section 2.3).
struct NetworkShape {
  std::int32_t n_genes = 0;
  std::int32_t hidden = 64;
  std::int32_t latent = 32;

  bool operator==(const NetworkShape& other) const = default;
};

/// A linear map, LayerNorm and SiLU: y = silu(gain * normalise(weight x + bias) + shift).
struct BlockParameters {
  std::vector<float> weight;  ///< [out][in]
  std::vector<float> bias;    ///< [out]
  std::vector<float> gain;    ///< [out], LayerNorm's gamma
  std::vector<float> shift;   ///< [out], LayerNorm's beta
};

/// All that is trained, in the layout of the usual frameworks; backends keep their own.
struct Parameters {
  NetworkShape shape;
  BlockParameters blocks[3];         ///< genes -> hidden -> latent -> hidden
  std::vector<float> output_weight;  ///< [n_genes][hidden]
  std::vector<float> output_bias;    ///< [n_genes]
};

/// Adam's state: running means of gradients and of their squares, and the steps done.
struct OptimizerState {
  Parameters first_moment;
  Parameters second_moment;
  std::int64_t step = 0;
};

/// Zeros of the right sizes.
Parameters make_parameters(const NetworkShape& shape);

}  // namespace maskclass
