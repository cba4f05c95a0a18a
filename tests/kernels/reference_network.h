#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/backend.h"
#include "kernels/math/biozero.h"
#include "kernels/math/log2.h"
#include "kernels/math/philox.h"

/// The training step written as plainly as possible, for any floating-point type: the float64
/// version is what kernels are compared with, the float32 version says how much rounding alone
/// makes of the difference. Dense, one thread, one loop a formula.
namespace maskclass::test {

template <typename T>
struct Block {
  std::vector<T> weight, bias, gain, shift;
};

template <typename T>
struct Network {  // NOLINT(bugprone-reserved-identifier)
  NetworkShape shape;
  Block<T> blocks[3];
  std::vector<T> output_weight, output_bias;

  Network() = default;
  explicit Network(const Parameters& p) : shape(p.shape) {
    const auto copy = [](const std::vector<float>& from) {
      return std::vector<T>(from.begin(), from.end());
    };
    for (int b = 0; b < 3; ++b) {
      blocks[b] = {copy(p.blocks[b].weight), copy(p.blocks[b].bias), copy(p.blocks[b].gain),
                   copy(p.blocks[b].shift)};
    }
    output_weight = copy(p.output_weight);
    output_bias = copy(p.output_bias);
  }
};

/// All arrays of a network (or of Parameters) in one order.
template <typename AnyNetwork>
auto arrays_of(AnyNetwork& network) {
  std::vector<decltype(&network.output_weight)> arrays;
  for (auto& block : network.blocks) {
    arrays.insert(arrays.end(), {&block.weight, &block.bias, &block.gain, &block.shift});
  }
  arrays.insert(arrays.end(), {&network.output_weight, &network.output_bias});
  return arrays;
}

/// A dense batch as SPEC describes it, entry by entry: [cell][gene].
struct CorruptedBatch {
  std::int64_t n_cells = 0;
  std::int32_t n_genes = 0;
  std::vector<float> target, input, mask_weight, biozero;
};

inline CorruptedBatch corrupt(const ScaledData& data, std::span<const std::uint32_t> rows,
                              std::uint32_t epoch, const TrainingOptions& options) {
  CorruptedBatch batch;
  batch.n_cells = static_cast<std::int64_t>(rows.size());
  batch.n_genes = data.n_genes;
  for (const std::uint32_t row : rows) {
    std::vector<float> scaled(data.n_genes, kScaledZero);
    std::vector<bool> zero(data.n_genes, true);
    for (std::int64_t k = data.indptr[row]; k < data.indptr[row + 1]; ++k) {
      scaled[data.indices[k]] = data.scaled[k];
      zero[data.indices[k]] = false;
    }
    float basis[kBiozeroTerms];
    chebyshev_basis(data.biozero_position[row], basis);
    const std::size_t curve = data.biozero_curve.empty() ? 0 : data.biozero_curve[row];
    for (std::int32_t gene = 0; gene < data.n_genes; ++gene) {
      const std::uint32_t cell = data.cell_ids[row];
      const std::uint64_t bits =
          philox::random_bits(options.seed, philox::Purpose::mask, epoch, cell, gene);
      float p = 0;
      double probability = options.mask_nonzero;
      if (zero[gene]) {
        p = biozero_from_basis(
            basis, 1, &data.biozero_coefficients[(curve * data.n_genes + gene) * kBiozeroTerms],
            data.biozero_shrink[row]);
        probability = static_cast<double>(p * options.mask_zero);
      }
      const bool masked = bits < static_cast<std::uint64_t>(std::floor(probability * 4294967296.0));
      float input = scaled[gene];
      if (masked) {
        const float eta =
            options.noise * philox::to_unit_float(philox::random_bits(
                                options.seed, philox::Purpose::noise, epoch, cell, gene));
        input = zero[gene]
                    ? scale(log2_of_one_plus(eta * data.genes[gene].max_count), data.genes[gene])
                    : 0.0f;
      }
      batch.target.push_back(scaled[gene]);
      batch.input.push_back(input);
      batch.mask_weight.push_back(
          !masked ? 0.0f : (zero[gene] ? options.zero_weight : options.nonzero_weight));
      batch.biozero.push_back(p);
    }
  }
  return batch;
}

template <typename T>
struct BlockTrace {
  std::vector<T> normalised, activated, output;  ///< [cell][unit]
  std::vector<T> inverse_deviation;              ///< [cell]
};

template <typename T>
BlockTrace<T> forward(const Block<T>& block, std::span<const T> in, std::int64_t n_cells) {
  const std::int64_t n_out = static_cast<std::int64_t>(block.bias.size());
  const std::int64_t n_in = static_cast<std::int64_t>(block.weight.size()) / n_out;
  BlockTrace<T> trace;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    std::vector<T> linear(n_out);
    T mean = 0;
    for (std::int64_t o = 0; o < n_out; ++o) {
      linear[o] = block.bias[o];
      for (std::int64_t i = 0; i < n_in; ++i) {
        linear[o] += block.weight[o * n_in + i] * in[cell * n_in + i];
      }
      mean += linear[o];
    }
    mean /= static_cast<T>(n_out);
    T variance = 0;
    for (const T value : linear) variance += (value - mean) * (value - mean);
    const T inverse = 1 / std::sqrt(variance / static_cast<T>(n_out) + T(1e-5));
    trace.inverse_deviation.push_back(inverse);
    for (std::int64_t o = 0; o < n_out; ++o) {
      const T normalised = (linear[o] - mean) * inverse;
      const T y = block.gain[o] * normalised + block.shift[o];
      trace.normalised.push_back(normalised);
      trace.activated.push_back(y);
      trace.output.push_back(y / (1 + std::exp(-y)));
    }
  }
  return trace;
}

/// From the gradient of the output to that of the input; adds to `gradient`.
template <typename T>
std::vector<T> backward(const Block<T>& block, const BlockTrace<T>& trace, std::span<const T> in,
                        std::span<const T> output_gradient, Block<T>& gradient) {
  const std::int64_t n_out = static_cast<std::int64_t>(block.bias.size());
  const std::int64_t n_in = static_cast<std::int64_t>(block.weight.size()) / n_out;
  const std::int64_t n_cells = static_cast<std::int64_t>(trace.inverse_deviation.size());
  std::vector<T> input_gradient(n_cells * n_in, T(0));
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    std::vector<T> normalised_gradient(n_out);
    T mean = 0;
    T mean_product = 0;
    for (std::int64_t o = 0; o < n_out; ++o) {
      const std::int64_t at = cell * n_out + o;
      const T open = 1 / (1 + std::exp(-trace.activated[at]));
      const T dy = output_gradient[at] * open * (1 + trace.activated[at] * (1 - open));
      gradient.gain[o] += dy * trace.normalised[at];
      gradient.shift[o] += dy;
      normalised_gradient[o] = dy * block.gain[o];
      mean += normalised_gradient[o] / static_cast<T>(n_out);
      mean_product += normalised_gradient[o] * trace.normalised[at] / static_cast<T>(n_out);
    }
    for (std::int64_t o = 0; o < n_out; ++o) {
      const T dz =
          trace.inverse_deviation[cell] *
          (normalised_gradient[o] - mean - trace.normalised[cell * n_out + o] * mean_product);
      gradient.bias[o] += dz;
      for (std::int64_t i = 0; i < n_in; ++i) {
        gradient.weight[o * n_in + i] += dz * in[cell * n_in + i];
        input_gradient[cell * n_in + i] += dz * block.weight[o * n_in + i];
      }
    }
  }
  return input_gradient;
}

template <typename T>
struct LossAndGradient {
  T masked = 0;
  T biozero = 0;
  Network<T> gradient;
};

/// The network's output for a batch of inputs, [cell][gene]; and the traces of its blocks.
template <typename T>
std::vector<T> apply(const Network<T>& network, std::span<const T> input, std::int64_t n_cells,
                     BlockTrace<T> (&traces)[3]) {
  std::span<const T> in = input;
  for (int b = 0; b < 3; ++b) {
    traces[b] = forward(network.blocks[b], in, n_cells);
    in = traces[b].output;
  }
  const std::int64_t hidden = network.shape.hidden;
  std::vector<T> out;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (std::int64_t gene = 0; gene < network.shape.n_genes; ++gene) {
      T value = network.output_bias[gene];
      for (std::int64_t h = 0; h < hidden; ++h) {
        value += network.output_weight[gene * hidden + h] * in[cell * hidden + h];
      }
      out.push_back(value);
    }
  }
  return out;
}

template <typename T>
LossAndGradient<T> loss_and_gradient(const Network<T>& network, const CorruptedBatch& batch,
                                     T gamma) {
  const std::vector<T> input(batch.input.begin(), batch.input.end());
  BlockTrace<T> traces[3];
  const std::vector<T> out = apply<T>(network, input, batch.n_cells, traces);

  T masked_denominator = 0;
  T biozero_denominator = 0;
  for (std::size_t k = 0; k < out.size(); ++k) {
    masked_denominator += static_cast<T>(batch.mask_weight[k]);
    biozero_denominator += static_cast<T>(batch.biozero[k]);
  }
  const T masked_scale = masked_denominator > 0 ? 1 / masked_denominator : T(0);
  const T biozero_scale = gamma != 0 && biozero_denominator > 0 ? 1 / biozero_denominator : T(0);

  LossAndGradient<T> result;
  result.gradient = network;
  for (auto* array : arrays_of(result.gradient)) array->assign(array->size(), T(0));
  const std::int64_t hidden = network.shape.hidden;
  std::vector<T> hidden_gradient(batch.n_cells * hidden, T(0));
  for (std::int64_t cell = 0; cell < batch.n_cells; ++cell) {
    for (std::int64_t gene = 0; gene < batch.n_genes; ++gene) {
      const std::size_t at = cell * batch.n_genes + gene;
      const T residual = out[at] - static_cast<T>(batch.target[at]);
      const T masked = static_cast<T>(batch.mask_weight[at]) * masked_scale;
      const T biozero = static_cast<T>(batch.biozero[at]) * biozero_scale;
      result.masked += masked * residual * residual;
      result.biozero += biozero * residual * residual;
      const T d = 2 * (masked + gamma * biozero) * residual;
      result.gradient.output_bias[gene] += d;
      for (std::int64_t h = 0; h < hidden; ++h) {
        result.gradient.output_weight[gene * hidden + h] += d * traces[2].output[cell * hidden + h];
        hidden_gradient[cell * hidden + h] += d * network.output_weight[gene * hidden + h];
      }
    }
  }
  std::vector<T> gradient = std::move(hidden_gradient);
  for (int b = 2; b >= 0; --b) {
    const std::span<const T> in = b == 0 ? std::span<const T>(input) : traces[b - 1].output;
    gradient = backward<T>(network.blocks[b], traces[b], in, gradient, result.gradient.blocks[b]);
  }
  return result;
}

/// Adam for the whole network.
template <typename T>
struct Adam {
  Network<T> first, second;
  std::int64_t step = 0;

  explicit Adam(const Network<T>& network) : first(network), second(network) {
    for (auto* array : arrays_of(first)) array->assign(array->size(), T(0));
    for (auto* array : arrays_of(second)) array->assign(array->size(), T(0));
  }

  void update(Network<T>& network, Network<T>& gradient, const TrainingOptions& options) {
    ++step;
    const T correction1 = static_cast<T>(1 - std::pow(options.beta1, static_cast<double>(step)));
    const T correction2 = static_cast<T>(1 - std::pow(options.beta2, static_cast<double>(step)));
    const auto weights = arrays_of(network);
    const auto gradients = arrays_of(gradient);
    const auto firsts = arrays_of(first);
    const auto seconds = arrays_of(second);
    for (std::size_t a = 0; a < weights.size(); ++a) {
      for (std::size_t k = 0; k < weights[a]->size(); ++k) {
        const T g = (*gradients[a])[k];
        T& m = (*firsts[a])[k];
        T& v = (*seconds[a])[k];
        m = static_cast<T>(options.beta1) * m + static_cast<T>(1 - options.beta1) * g;
        v = static_cast<T>(options.beta2) * v + static_cast<T>(1 - options.beta2) * g * g;
        (*weights[a])[k] -= static_cast<T>(options.learning_rate) * (m / correction1) /
                            (std::sqrt(v / correction2) + static_cast<T>(options.epsilon));
      }
    }
  }
};

}  // namespace maskclass::test
