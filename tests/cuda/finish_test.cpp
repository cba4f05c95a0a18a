#include "kernels/cuda/output/finish.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "engine/preprocess/normalise.h"
#include "kernels/math/result_values.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

/// What the network might give: both signs, zeros, very small and large values.
std::vector<float> made_up_values(std::size_t size) {
  std::mt19937 generator(4);
  std::vector<float> values(size);
  for (std::size_t k = 0; k < size; ++k) {
    values[k] = std::ldexp(static_cast<float>(generator()) - 0x1p31f, -28);
    if (k % 7 == 3) values[k] = 0;
    if (k % 11 == 5) values[k] *= 1e-6f;
  }
  return values;
}

struct Block {
  std::vector<float> log2;
  std::vector<float> counts;
};

Block finish(const CsrMatrix& counts, const maskclass::LibrarySizes& libraries,
             const std::vector<double>& library_factors, const std::vector<float>& values,
             const FinishOptions& options, bool with_counts) {
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const auto factors = stream.upload(libraries.size_factors);
  const auto library = stream.upload(library_factors);
  const auto log2 = stream.upload(values);
  const auto out = stream.array<float>(with_counts ? values.size() : 0);
  finish_results(device.csr, factors.data(), with_counts ? library.data() : nullptr, options,
                 log2.data(), out.data(), stream.context);
  return {stream.download(log2), stream.download(out)};
}

void check(std::int64_t n_cells, std::int64_t n_genes, const FinishOptions& options) {
  const CsrMatrix counts = maskclass::test::random_counts(n_cells, n_genes, 21);
  const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
  std::vector<double> library_factors;
  for (const double size : libraries.sizes) library_factors.push_back(size / libraries.median);
  const std::vector<float> values = made_up_values(n_cells * n_genes);
  const Block found = finish(counts, libraries, library_factors, values, options, true);
  const maskclass::test::Dense observed = maskclass::test::to_dense(counts);
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      const std::int64_t at = cell * n_genes + gene;
      const float count = observed[cell][gene];
      if (options.keep_observed && count > 0) {
        REQUIRE(found.log2[at] == maskclass::log_normalised(count, libraries.size_factors[cell]));
        REQUIRE(found.counts[at] == count);
        continue;
      }
      REQUIRE(found.log2[at] == (options.clamp ? std::max(values[at], 0.0f) : values[at]));
      // exp2 is off by at most an ulp of about its value on either side; the product and the
      // result are rounded.
      const double power = std::exp2(static_cast<double>(found.log2[at]));
      const double exact = (power - 1) * library_factors[cell];
      REQUIRE(std::abs(found.counts[at] - exact) <=
              0x1p-51 * power * library_factors[cell] + (0x1p-24 + 0x1p-50) * std::abs(exact));
    }
  }
  CHECK(finish(counts, libraries, library_factors, values, options, false).log2 == found.log2);
}

}  // namespace

TEST_CASE("results are finished as on the CPU, in all variants and shapes") {
  for (const auto& [n_cells, n_genes] : {std::pair{1, 1}, {3, 700}, {70, 3}, {5, 256}, {9, 257}}) {
    for (const bool clamp : {true, false}) {
      for (const bool keep : {true, false}) {
        CAPTURE(n_genes);
        check(n_cells, n_genes, {clamp, keep});
      }
    }
  }
}

TEST_CASE("a block of cells from within a larger matrix") {
  const CsrMatrix counts = maskclass::test::random_counts(10, 30, 5);
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const std::vector<double> factors(10, 1.0);
  const auto size_factors = stream.upload(factors);
  const auto log2 = stream.upload(std::vector<float>(3 * 30, -1.0f));
  DeviceCsr block = device.csr;
  block.n_cells = 3;
  block.indptr += 4;
  finish_results(block, size_factors.data() + 4, nullptr, {}, log2.data(), nullptr, stream.context);
  const std::vector<float> found = stream.download(log2);
  const maskclass::test::Dense observed = maskclass::test::to_dense(counts);
  for (int cell = 0; cell < 3; ++cell) {
    for (int gene = 0; gene < 30; ++gene) {
      CHECK(found[cell * 30 + gene] == maskclass::log_normalised(observed[4 + cell][gene], 1.0));
    }
  }
}

TEST_CASE("an empty block is finished, missing arrays are refused") {
  const TestStream stream;
  const DeviceCounts device(maskclass::test::from_dense({{1}}, 1), stream);
  DeviceCsr empty = device.csr;
  empty.n_cells = 0;
  finish_results(empty, nullptr, nullptr, {}, nullptr, nullptr, stream.context);
  CHECK_THROWS_AS(finish_results(device.csr, nullptr, nullptr, {}, nullptr, nullptr, {}),
                  std::invalid_argument);
}
