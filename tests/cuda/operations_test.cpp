// The fused block, the loss and Adam as operations of their own.

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cuda/ops/adam.h"
#include "kernels/cuda/ops/linear_norm_silu.h"
#include "kernels/cuda/ops/masked_loss.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/math/adam.h"
#include "tests/kernels/reference_network.h"
#include "tests/kernels/training_step_cases.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::test::largest_difference;

namespace {

/// Numbers in [-1, 1) that look random.
std::vector<float> numbers(std::size_t n, std::uint32_t which) {
  std::vector<float> values(n);
  for (std::size_t k = 0; k < n; ++k) {
    const auto bits = philox::random_bits(77, philox::Purpose::simulation, which, 0, k);
    values[k] = 2 * philox::to_unit_float(bits) - 1;
  }
  return values;
}

DeviceArray<float> on_device(const std::vector<float>& values, const Context& context) {
  DeviceArray<float> array(values.size(), context);
  array.upload(values, context, "test");
  synchronise(context.stream, "test");  // before the values may change
  return array;
}

std::vector<float> on_host(const DeviceArray<float>& array, const Context& context) {
  std::vector<float> values(array.size());
  array.download(std::span(values), context, "test");
  synchronise(context.stream, "test");
  return values;
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

/// `ours` may be off by four times the float32 reference's own error, and four roundings.
void check_near(const std::vector<float>& ours, const std::vector<double>& exact,
                const std::vector<float>& single) {
  CHECK(largest_difference(ours, exact) <=
        4 * largest_difference(single, exact) + largest(exact) * 0x1p-22);
}

struct FusedShape {
  int n_cells, n_in, n_out;
};

/// [out][in] to [in][out].
template <class T>
std::vector<T> transposed(const std::vector<T>& weight, int n_in, int n_out) {
  std::vector<T> result(weight.size());
  for (int o = 0; o < n_out; ++o) {
    for (int k = 0; k < n_in; ++k) result[k * n_out + o] = weight[o * n_in + k];
  }
  return result;
}

/// The block forward and backward in type T: outputs, gradients of inputs, and of all parameters
/// with the weights [in][out].
template <class T>
struct FusedReference {
  std::vector<T> y, in_gradient, weight_gradient;
  test::Block<T> gradient;

  FusedReference(const test::Block<float>& single, const std::vector<float>& x,
                 const std::vector<float>& y_gradient, const FusedShape& shape) {
    const auto convert = [](const std::vector<float>& from) {
      return std::vector<T>(from.begin(), from.end());
    };
    const test::Block<T> block{convert(single.weight), convert(single.bias), convert(single.gain),
                               convert(single.shift)};
    const std::vector<T> in = convert(x);
    const test::BlockTrace<T> trace = test::forward<T>(block, in, shape.n_cells);
    y = trace.output;
    gradient = {std::vector<T>(block.weight.size()), std::vector<T>(shape.n_out),
                std::vector<T>(shape.n_out), std::vector<T>(shape.n_out)};
    in_gradient = test::backward<T>(block, trace, in, convert(y_gradient), gradient);
    weight_gradient = transposed(gradient.weight, shape.n_in, shape.n_out);
  }
};

}  // namespace

TEST_CASE("fused linear + LayerNorm + SiLU: forward and all gradients") {
  constexpr int kMoreThanWarps = 1024 * 8 + 9;  // of a launch: some have a second cell
  const Context context;
  for (const FusedShape& shape :
       {FusedShape{1, 1, 1}, FusedShape{32, 64, 32}, FusedShape{33, 32, 64}, FusedShape{7, 65, 33},
        FusedShape{20, 3, 130}, FusedShape{9, 64, 31}, FusedShape{kMoreThanWarps, 32, 64},
        FusedShape{kMoreThanWarps, 2, 3}}) {
    const std::string text = std::to_string(shape.n_cells) + " cells, " +
                             std::to_string(shape.n_in) + " to " + std::to_string(shape.n_out);
    CAPTURE(text);
    const std::size_t n_weights = static_cast<std::size_t>(shape.n_in) * shape.n_out;
    test::Block<float> block{numbers(n_weights, 1), numbers(shape.n_out, 2),
                             numbers(shape.n_out, 3), numbers(shape.n_out, 4)};
    const auto x = numbers(static_cast<std::size_t>(shape.n_cells) * shape.n_in, 5);
    const auto y_gradient = numbers(static_cast<std::size_t>(shape.n_cells) * shape.n_out, 6);
    const FusedReference<double> exact(block, x, y_gradient, shape);
    const FusedReference<float> single(block, x, y_gradient, shape);

    const auto weight = on_device(transposed(block.weight, shape.n_in, shape.n_out), context);
    const auto bias = on_device(block.bias, context);
    const auto gain = on_device(block.gain, context);
    const auto shift = on_device(block.shift, context);
    const auto device_x = on_device(x, context);
    const auto device_y_gradient = on_device(y_gradient, context);
    DeviceArray<float> y(y_gradient.size(), context), normalised(y_gradient.size(), context);
    DeviceArray<float> deviation(shape.n_cells, context);
    DeviceArray<float> scratch(linear_norm_silu_scratch(shape.n_out, shape.n_cells), context);
    DeviceArray<float> in_gradient(x.size(), context), weight_gradient(n_weights, context);
    DeviceArray<float> bias_gradient(shape.n_out, context), gain_gradient(shape.n_out, context);
    DeviceArray<float> shift_gradient(shape.n_out, context);
    const LinearNormSilu op{shape.n_in,  shape.n_out, weight.data(),
                            bias.data(), gain.data(), shift.data()};
    const LinearNormSiluTrace trace{normalised.data(), deviation.data()};
    linear_norm_silu_forward(op, shape.n_cells, device_x.data(), y.data(), trace, context.stream);
    linear_norm_silu_backward(op, shape.n_cells, device_x.data(), trace, device_y_gradient.data(),
                              scratch.data(),
                              {in_gradient.data(), weight_gradient.data(), bias_gradient.data(),
                               gain_gradient.data(), shift_gradient.data()},
                              context.stream);
    check_near(on_host(y, context), exact.y, single.y);
    check_near(on_host(in_gradient, context), exact.in_gradient, single.in_gradient);
    check_near(on_host(weight_gradient, context), exact.weight_gradient, single.weight_gradient);
    check_near(on_host(bias_gradient, context), exact.gradient.bias, single.gradient.bias);
    check_near(on_host(gain_gradient, context), exact.gradient.gain, single.gradient.gain);
    check_near(on_host(shift_gradient, context), exact.gradient.shift, single.gradient.shift);
  }
}

TEST_CASE("fused block: what makes no sense is refused") {
  const Context context;
  DeviceArray<float> some(64, context);
  const LinearNormSilu none{0, 1, some.data(), some.data(), some.data(), some.data()};
  const LinearNormSilu missing{1, 1, nullptr, some.data(), some.data(), some.data()};
  const LinearNormSilu fine{1, 1, some.data(), some.data(), some.data(), some.data()};
  const LinearNormSiluTrace trace{some.data(), some.data()};
  for (const auto& [op, n_cells] :
       {std::pair(none, 1), std::pair(missing, 1), std::pair(fine, 0)}) {
    CHECK_THROWS_AS(
        linear_norm_silu_forward(op, n_cells, some.data(), some.data(), trace, context.stream),
        std::invalid_argument);
  }
}

TEST_CASE("masked loss: value and gradient, empty denominators too") {
  const Context context;
  for (const std::int64_t n : {1, 255, 4096, 9001}) {
    for (const bool empty : {false, true}) {
      CAPTURE(n);
      CAPTURE(empty);
      const auto output = numbers(n, 11);
      const auto target = numbers(n, 12);
      std::vector<float> weight = numbers(n, 13);
      std::vector<float> biozero = numbers(n, 14);
      for (float& w : weight) w = empty || w < 0.3f ? 0.0f : w < 0.6f ? 1.0f : 2.0f;
      for (float& p : biozero) p = empty || p < 0 ? 0.0f : p;
      constexpr float kGamma = 0.75f;
      const auto reference = [&](auto zero) {
        using T = decltype(zero);
        T sums[4] = {};
        for (std::int64_t k = 0; k < n; ++k) {
          const T r = static_cast<T>(output[k]) - static_cast<T>(target[k]);
          sums[0] += static_cast<T>(weight[k]);
          sums[1] += static_cast<T>(biozero[k]);
          sums[2] += static_cast<T>(weight[k]) * r * r;
          sums[3] += static_cast<T>(biozero[k]) * r * r;
        }
        const T masked_scale = sums[0] > 0 ? 1 / sums[0] : T(0);
        const T biozero_scale = sums[1] > 0 ? 1 / sums[1] : T(0);
        std::vector<T> values{sums[2] * masked_scale, sums[3] * biozero_scale};
        std::vector<T> gradient;
        for (std::int64_t k = 0; k < n; ++k) {
          const T r = static_cast<T>(output[k]) - static_cast<T>(target[k]);
          gradient.push_back(2 * r *
                             (static_cast<T>(weight[k]) * masked_scale +
                              static_cast<T>(kGamma) * static_cast<T>(biozero[k]) * biozero_scale));
        }
        return std::pair(values, gradient);
      };
      const auto exact = reference(0.0);
      const auto single = reference(0.0f);

      const auto device_output = on_device(output, context);
      const auto device_target = on_device(target, context);
      const auto device_weight = on_device(weight, context);
      const auto device_biozero = on_device(biozero, context);
      DeviceArray<float> gradient(n, context);
      DeviceArray<double> scratch(masked_loss_scratch(n) / sizeof(double), context);
      DeviceArray<BatchLoss> loss(1, context);
      masked_loss({n, device_output.data(), device_target.data(), device_weight.data(),
                   device_biozero.data()},
                  kGamma, scratch.data(), gradient.data(), loss.data(), context.stream);
      check_near(on_host(gradient, context), exact.second, single.second);
      BatchLoss value{};
      loss.download(std::span(&value, 1), context, "test");
      synchronise(context.stream, "test");
      check_near({static_cast<float>(value.masked), static_cast<float>(value.biozero)}, exact.first,
                 single.first);
    }
  }
}

TEST_CASE("Adam has the bits of the processor's") {
  const Context context;
  const std::size_t n = 1000;
  std::vector<float> value = numbers(n, 21);
  std::vector<float> first = numbers(n, 22);
  std::vector<float> second = numbers(n, 23);
  for (float& v : second) v = v * v;
  const std::vector<float> gradient = numbers(n, 24);
  const AdamStep step = adam_step(TrainingOptions{}, 7);
  const auto device_gradient = on_device(gradient, context);
  const auto device_value = on_device(value, context);
  const auto device_first = on_device(first, context);
  const auto device_second = on_device(second, context);
  cuda::adam(step, device_gradient.data(), n,
             {device_value.data(), device_first.data(), device_second.data()}, context.stream);
  for (std::size_t k = 0; k < n; ++k) adam_update(step, gradient[k], value[k], first[k], second[k]);
  CHECK(on_host(device_value, context) == value);
  CHECK(on_host(device_first, context) == first);
  CHECK(on_host(device_second, context) == second);
}
