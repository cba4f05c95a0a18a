#include "kernels/cuda/preprocess/scaled_counts.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/normalise.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::GeneScaling;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

void check_against_engine(const CsrMatrix& counts, const ScaledCounts& found,
                          const std::vector<double>& size_factors,
                          const maskclass::Winsorising& quantiles) {
  const auto expected = maskclass::fit_gene_scaling(counts.view(), size_factors, 1, quantiles);
  std::vector<GeneScaling> genes(counts.n_genes);
  std::vector<float> scaled(counts.values.size());
  found.download(genes, scaled);
  for (std::size_t gene = 0; gene < genes.size(); ++gene) {
    REQUIRE(genes[gene].low == expected[gene].low);
    REQUIRE(genes[gene].high == expected[gene].high);
    REQUIRE(genes[gene].max_count == expected[gene].max_count);
  }
  REQUIRE(scaled == maskclass::scale_nonzeros(counts.view(), size_factors, expected, 1));
}

/// Counts how much is allocated through it, and on which stream.
class CountingAllocator final : public Allocator {
 public:
  explicit CountingAllocator(cudaStream_t stream) : stream_(stream) {}
  void* allocate(std::size_t bytes, cudaStream_t stream) override {
    CHECK(stream == stream_);
    held += bytes;
    return default_allocator().allocate(bytes, stream);
  }
  void release(void* memory, std::size_t bytes, cudaStream_t stream) noexcept override {
    held -= bytes;
    default_allocator().release(memory, bytes, stream);
  }
  std::size_t held = 0;

 private:
  cudaStream_t stream_;
};

}  // namespace

TEST_CASE("counts on the device become the CPU's scaled values, bit for bit") {
  const CsrMatrix counts = maskclass::test::random_counts(150, 61, 17);
  const auto libraries = maskclass::library_sizes_of(counts.view(), 1);
  const TestStream stream;
  const DeviceCounts device(counts, stream);

  ScaledCounts measured(device.csr, stream.context);
  measured.measure_libraries();
  CHECK(measured.median_library_size() == libraries.median);
  measured.scale();
  check_against_engine(counts, measured, libraries.size_factors, {});

  // Library sizes over more genes than these.
  const std::vector<double> factors(150, 0.75);
  ScaledCounts given(device.csr, stream.context);
  given.set_size_factors(factors);
  given.scale({0.1, 0.9});
  check_against_engine(counts, given, factors, {0.1, 0.9});
}

TEST_CASE("all memory comes from the caller's allocator, and the work space goes back") {
  const CsrMatrix counts = maskclass::test::random_counts(60, 40, 2);
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  CountingAllocator allocator(stream.context.stream);
  {
    ScaledCounts scaled(device.csr, {stream.context.stream, &allocator});
    const std::size_t at_work = allocator.held;
    scaled.measure_libraries();
    scaled.scale();
    CHECK(allocator.held > 0);
    CHECK(allocator.held + 8 * counts.values.size() <= at_work);
  }
  CHECK(allocator.held == 0);
}

TEST_CASE("a cell without counts is named") {
  const TestStream stream;
  const DeviceCounts device(maskclass::test::from_dense({{1}, {2}, {0}}, 1), stream);
  ScaledCounts scaled(device.csr, stream.context);
  std::string message;
  try {
    scaled.measure_libraries();
  } catch (const std::invalid_argument& error) {
    message = error.what();
  }
  CHECK(message == "cell 3 (counted from 1) has no counts");
  CHECK_THROWS_AS(scaled.set_size_factors(std::vector<double>(2)), std::invalid_argument);
}
