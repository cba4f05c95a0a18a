#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>

#include "engine/model/initial_weights.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/made_up_data.h"
#include "tests/kernels/reference_network.h"

using namespace maskclass;

// pytorch_values.txt comes from make_pytorch_values.py: autograd in float64, with random numbers,
// weights and data made anew in numpy.
TEST_CASE("loss and every gradient are PyTorch's") {
  std::ifstream file(MASKCLASS_SOURCE_DIR "/tests/kernels/pytorch_values.txt");
  REQUIRE(file);
  int n_cases = 0;
  for (std::string word; file >> word; ++n_cases) {
    REQUIRE(word == "case");
    std::int64_t n_cells = 0;
    NetworkShape shape;
    float gamma = 0;
    file >> n_cells >> shape.n_genes >> shape.hidden >> shape.latent >> gamma;
    CAPTURE(n_cells);
    CAPTURE(shape.n_genes);
    CAPTURE(gamma);

    const test::MadeUpData made_up(n_cells, shape.n_genes);
    const ScaledData data = made_up.view();
    TrainingOptions options;
    options.seed = 0x123456789abcdefull;
    options.mask_zero = 0.25f;
    options.biozero_weight = gamma;
    options.beta1 = 0;  // Adam's first moment is then the gradient itself.
    Parameters parameters = initial_weights(shape, 5);
    for (auto& block : parameters.blocks) {
      for (std::size_t k = 0; k < block.gain.size(); ++k) {
        block.gain[k] = 0.75f + 0.0625f * static_cast<float>(k % 9);
        block.shift[k] = 0.03125f * static_cast<float>(k % 7) - 0.09375f;
      }
    }
    const auto backend = cpu::make_cpu_backend(data, shape, options, 2);
    backend->set_parameters(parameters);
    std::vector<std::uint32_t> order(n_cells);
    std::iota(order.begin(), order.end(), 0);
    const EpochLoss loss = backend->train_epoch(3, order, {});

    // The values carry 7 to 12 digits; float32 sums of up to 960 terms lose a few more.
    double masked = 0, biozero = 0;
    file >> word >> masked >> biozero;
    REQUIRE(word == "loss");
    CHECK(std::abs(loss.masked - masked) <= 1e-5 * masked);
    CHECK(std::abs(loss.biozero - biozero) <= 1e-5 * biozero);

    const Parameters gradient = backend->optimizer_state().first_moment;
    for (const auto* array : test::arrays_of(gradient)) {
      std::size_t size = 0;
      file >> word >> size;
      REQUIRE(word == "gradient");
      REQUIRE(size == array->size());
      double largest = 0, difference = 0;
      for (const float ours : *array) {
        double theirs = 0;
        file >> theirs;
        REQUIRE(file.good());
        largest = std::max(largest, std::abs(theirs));
        const double apart = std::abs(static_cast<double>(ours) - theirs);
        if (!(apart <= difference)) difference = apart;
      }
      CHECK(difference <= 2e-5 * largest);
    }
  }
  CHECK(n_cases == 4);
}
