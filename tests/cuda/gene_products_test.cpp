#include "kernels/cuda/evaluate/gene_products.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "tests/cuda/device_data.h"
#include "tests/evaluate/random_values.h"

using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

std::vector<float> made_up_values(std::size_t size) {
  maskclass::test::Random random(9);
  std::vector<float> values(size);
  // Means far above the deviations: what cancels without centring.
  for (float& value : values) value = static_cast<float>(100 + random.normal());
  return values;
}

/// Blocks of at most `most_cells`, against sums in long double.
void check(int n_cells, int n_genes, int most_cells) {
  const std::vector<float> values = made_up_values(static_cast<std::size_t>(n_cells) * n_genes);
  std::vector<double> means(n_genes, 0.0);
  for (std::size_t k = 0; k < values.size(); ++k) means[k % n_genes] += values[k] / n_cells;

  const TestStream stream;
  GeneProducts products(n_genes, most_cells, stream.context);
  std::vector<double> found(static_cast<std::size_t>(n_genes) * n_genes);
  for (int repetition = 0; repetition < 2; ++repetition) {  // start() forgets what was
    products.start(means);
    for (int first = 0; first < n_cells; first += most_cells) {
      const int n = std::min(most_cells, n_cells - first);
      products.add({values.data() + static_cast<std::size_t>(first) * n_genes,
                    static_cast<std::size_t>(n) * n_genes});
    }
    products.download(found);
  }
  for (int i = 0; i < n_genes; ++i) {
    for (int j = 0; j < n_genes; ++j) {
      long double sum = 0;
      long double size = 0;
      for (int cell = 0; cell < n_cells; ++cell) {
        const long double a = values[static_cast<std::size_t>(cell) * n_genes + i] - means[i];
        const long double b = values[static_cast<std::size_t>(cell) * n_genes + j] - means[j];
        sum += a * b;
        size += std::abs(a * b);
      }
      // Two roundings of the centring, one of the product, one an addition.
      const auto bound = static_cast<double>((n_cells + 3) * 0x1p-53L * size);
      REQUIRE(std::abs(found[static_cast<std::size_t>(i) * n_genes + j] -
                       static_cast<double>(sum)) <= bound);
      REQUIRE(found[static_cast<std::size_t>(i) * n_genes + j] ==
              found[static_cast<std::size_t>(j) * n_genes + i]);
    }
  }
}

}  // namespace

TEST_CASE("products of centred genes are those of float64, in one block and in several") {
  check(1, 1, 1);
  check(7, 5, 7);
  check(50, 33, 16);
  check(40, 70, 13);
  check(3, 64, 5);
}

TEST_CASE("products of genes from values on the device") {
  const TestStream stream;
  const auto values = stream.upload(std::vector<float>{1, 2, 3, 5});
  GeneProducts products(2, 2, stream.context);
  products.start(std::vector<double>{2, 3.5});
  products.add_on_device(2, values.data());
  std::vector<double> found(4);
  products.download(found);
  CHECK(found == std::vector<double>{2, 3, 3, 4.5});
}

TEST_CASE("cuBLAS that is missing or something else is an error that says what to do") {
  for (const char* library : {"libcublas.so.0", "libc.so.6"}) {
    try {
      load_blas(library);
      FAIL("it was loaded");
    } catch (const DeviceError& error) {
      const std::string message = error.what();
      CAPTURE(message);
      CHECK(error.fault() == Fault::library);
      CHECK(message.find(library) != std::string::npos);
      CHECK(message.find("LD_LIBRARY_PATH") != std::string::npos);
    }
  }
}

TEST_CASE("products of genes refuse other shapes") {
  const TestStream stream;
  CHECK_THROWS_AS(GeneProducts(0, 5, stream.context), std::invalid_argument);
  GeneProducts products(2, 3, stream.context);
  CHECK_THROWS_AS(products.start(std::vector<double>(3)), std::invalid_argument);
  products.start(std::vector<double>(2));
  CHECK_THROWS_AS(products.add(std::vector<float>(8)), std::invalid_argument);
  CHECK_THROWS_AS(products.add(std::vector<float>(3)), std::invalid_argument);
  std::vector<double> out(3);
  CHECK_THROWS_AS(products.download(out), std::invalid_argument);
}
