#include "kernels/cuda/memory/network_memory.h"

#include <algorithm>

#include "kernels/cuda/memory/columns.h"
#include "kernels/cuda/runtime/stream.h"

namespace maskclass::cuda {
namespace {

/// The arrays of the device's layouts on the host.
struct HostLayouts {
  explicit HostLayouts(const NetworkShape& shape)
      : trunk(TrunkLayout(shape.hidden, shape.latent, kDenseRows).size) {
    const std::size_t padded_genes =
        static_cast<std::size_t>(slices_of(shape.n_genes)) * kSliceGenes;
    encoder.resize(padded_genes * shape.hidden);
    output.resize(padded_genes * shape.hidden);
    output_bias.resize(padded_genes);
  }

  std::vector<float> encoder;
  std::vector<float> output;
  std::vector<float> output_bias;
  std::vector<float> trunk;
};

/// Calls move(number of `parameters`, its place in `layouts`) for every trained number.
template <class AnyParameters, class AnyLayouts, class Move>
void for_each_number(AnyParameters& parameters, AnyLayouts& layouts, const Move& move) {
  const NetworkShape& shape = parameters.shape;
  const TrunkLayout layout(shape.hidden, shape.latent, kDenseRows);
  for (int h = 0; h < shape.hidden; ++h) {
    for (int gene = 0; gene < shape.n_genes; ++gene) {
      move(parameters.blocks[0].weight[static_cast<std::size_t>(h) * shape.n_genes + gene],
           layouts.encoder[static_cast<std::size_t>(gene) * shape.hidden + h]);
    }
  }
  for (std::size_t k = 0; k < parameters.output_weight.size(); ++k) {
    move(parameters.output_weight[k], layouts.output[k]);
  }
  for (int gene = 0; gene < shape.n_genes; ++gene) {
    move(parameters.output_bias[gene], layouts.output_bias[gene]);
  }
  for (int b = 0; b < 3; ++b) {
    const BlockLayout& block = layout.block[b];
    auto& from = parameters.blocks[b];
    for (int o = 0; o < block.n_out; ++o) {
      for (int k = 0; k < block.n_in; ++k) {
        move(from.weight[static_cast<std::size_t>(o) * block.n_in + k],
             layouts.trunk[block.weight + k * block.weight_stride + o]);
      }
      move(from.bias[o], layouts.trunk[block.bias + o]);
      move(from.gain[o], layouts.trunk[block.gain + o]);
      move(from.shift[o], layouts.trunk[block.shift + o]);
    }
  }
}

void plan_array(MemoryPlan& plan, TrainedArray& array, const char* name, std::size_t size) {
  plan.add(array.value, name, size);
  plan.add(array.first_moment, name, size);
  plan.add(array.second_moment, name, size);
}

}  // namespace

NetworkMemory::NetworkMemory(const NetworkShape& shape, MemoryPlan& plan) : shape_(shape) {
  const HostLayouts sizes(shape);
  plan_array(plan, encoder_, "first layer", sizes.encoder.size());
  plan_array(plan, output_, "last layer", sizes.output.size());
  plan_array(plan, output_bias_, "last layer's biases", sizes.output_bias.size());
  plan_array(plan, trunk_, "inner layers", sizes.trunk.size());
}

void NetworkMemory::upload(const Parameters& parameters, const Context& context) {
  HostLayouts layouts(shape_);
  for_each_number(parameters, layouts, [](float number, float& place) { place = number; });
  const auto set = [&](TrainedArray& array, const std::vector<float>& values) {
    array.value.upload(values, context, "copying the weights to the GPU");
    array.first_moment.clear(context, "clearing the optimizer");
    array.second_moment.clear(context, "clearing the optimizer");
  };
  set(encoder_, layouts.encoder);
  set(output_, layouts.output);
  set(output_bias_, layouts.output_bias);
  set(trunk_, layouts.trunk);
  synchronise(context.stream, "copying the weights to the GPU");
}

Parameters NetworkMemory::download(DeviceArray<float> TrainedArray::*which,
                                   const Context& context) const {
  HostLayouts layouts(shape_);
  const auto get = [&](const TrainedArray& array, std::vector<float>& values) {
    (array.*which).download(std::span(values), context, "copying the weights from the GPU");
  };
  get(encoder_, layouts.encoder);
  get(output_, layouts.output);
  get(output_bias_, layouts.output_bias);
  get(trunk_, layouts.trunk);
  synchronise(context.stream, "copying the weights from the GPU");
  Parameters parameters = make_parameters(shape_);
  for_each_number(parameters, layouts, [](float& number, float place) { number = place; });
  return parameters;
}

}  // namespace maskclass::cuda
