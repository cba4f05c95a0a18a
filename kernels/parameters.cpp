#include "kernels/parameters.h"

namespace maskclass {
namespace {

BlockParameters make_block(std::size_t n_in, std::size_t n_out) {
  return {std::vector<float>(n_out * n_in), std::vector<float>(n_out), std::vector<float>(n_out),
          std::vector<float>(n_out)};
}

}  // namespace

Parameters make_parameters(const NetworkShape& shape) {
  Parameters result;
  result.shape = shape;
  result.blocks[0] = make_block(shape.n_genes, shape.hidden);
  result.blocks[1] = make_block(shape.hidden, shape.latent);
  result.blocks[2] = make_block(shape.latent, shape.hidden);
  result.output_weight.resize(static_cast<std::size_t>(shape.n_genes) * shape.hidden);
  result.output_bias.resize(shape.n_genes);
  return result;
}

}  // namespace maskclass
