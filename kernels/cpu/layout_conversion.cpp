#include "kernels/cpu/layout_conversion.h"

#include <algorithm>

namespace maskclass::cpu {
namespace {

/// Calls copy(element of the Parameters, tensor, index in the tensor) for every parameter: the one
/// place that knows both layouts.
template <class AnyParameters, class AnyNetwork, class Copy>
void for_each_parameter(AnyParameters& parameters, AnyNetwork& network, const Copy& copy) {
  for (int b = 0; b < 3; ++b) {
    auto& from = parameters.blocks[b];
    auto& block = network.blocks[b];
    for (std::int64_t out = 0; out < block.n_out; ++out) {
      for (std::int64_t in = 0; in < block.n_in; ++in) {
        const std::int64_t at =
            b == 0 ? in * padded(block.n_out) + out : out * padded(block.n_in) + in;
        copy(from.weight[out * block.n_in + in], block.weight, at);
      }
      copy(from.bias[out], block.bias, out);
      copy(from.gain[out], block.gain, out);
      copy(from.shift[out], block.shift, out);
    }
  }
  const std::int64_t hidden = network.shape.hidden;
  for (std::int64_t gene = 0; gene < network.shape.n_genes; ++gene) {
    for (std::int64_t h = 0; h < hidden; ++h) {
      copy(parameters.output_weight[gene * hidden + h], network.output_weight,
           gene * padded(hidden) + h);
    }
    const std::int64_t slice = gene / network.slices.width;
    copy(parameters.output_bias[gene], network.output_bias,
         slice * padded(network.slices.width) + gene % network.slices.width);
  }
}

}  // namespace

void load_parameters(const Parameters& parameters, Network& network) {
  network = Network(parameters.shape);
  for_each_parameter(parameters, network, [](float value, Tensor& tensor, std::int64_t at) {
    tensor.value[at] = value;
  });
}

Parameters store_parameters(const Network& network, AlignedFloats Tensor::*array) {
  Parameters result = make_parameters(network.shape);
  for_each_parameter(result, network, [&](float& value, const Tensor& tensor, std::int64_t at) {
    value = (tensor.*array)[at];
  });
  return result;
}

}  // namespace maskclass::cpu
