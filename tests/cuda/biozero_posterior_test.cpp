#include "kernels/cuda/output/biozero_posterior.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/biozero/posterior.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::DropoutModel;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

std::vector<float> posteriors(const CsrMatrix& counts, const DropoutModel& model,
                              const std::vector<double>& log_factors) {
  std::vector<maskclass::BiozeroGene> genes;
  for (std::size_t gene = 0; gene < model.mean.size(); ++gene) {
    genes.push_back({std::log(model.mean[gene]), model.dispersion[gene]});
  }
  const TestStream stream;
  const DeviceCounts device(counts, stream);
  const auto device_genes = stream.upload(genes);
  const auto factors = stream.upload(log_factors);
  const auto out = stream.array<float>(counts.n_cells * counts.n_genes);
  biozero_posteriors(device.csr, device_genes.data(), {model.a, model.b}, factors.data(),
                     out.data(), stream.context);
  return stream.download(out);
}

void check(const CsrMatrix& counts, const DropoutModel& model,
           const std::vector<double>& log_factors) {
  const std::vector<float> found = posteriors(counts, model, log_factors);
  const maskclass::test::Dense observed = maskclass::test::to_dense(counts);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t gene = 0; gene < counts.n_genes; ++gene) {
      const float p = found[cell * counts.n_genes + gene];
      if (observed[cell][gene] > 0) {
        REQUIRE(p == 0);
        continue;
      }
      const double exact = maskclass::biozero_probability(model, gene, log_factors[cell]);
      // exp and log1p are within 2 ulp on either side. The log odds are a sum of terms that carry
      // a few roundings each, and an error d of the log odds changes p by at most the share d.
      const double log_mu = std::log(model.mean[gene]) + log_factors[cell];
      const double phi = model.dispersion[gene];
      const double terms =
          std::abs(model.b * log_mu) + std::abs(model.a) + std::log1p(phi * std::exp(log_mu)) / phi;
      const double odds_error = std::isfinite(terms) ? 8 * 0x1p-53 * terms : 0;
      REQUIRE(std::abs(p - exact) <= exact * (0x1p-24 + 8 * 0x1p-53 + odds_error) + 0x1p-150);
    }
  }
}

}  // namespace

TEST_CASE("posteriors of zeros agree with the CPU's float64 to rounding; counts have none") {
  for (const auto& [n_cells, n_genes] : {std::pair{1, 1}, {4, 300}, {40, 7}}) {
    const CsrMatrix counts = maskclass::test::random_counts(n_cells, n_genes, 31);
    DropoutModel model;
    model.a = 1.5;
    model.b = 0.8;
    for (int gene = 0; gene < n_genes; ++gene) {
      model.mean.push_back(std::pow(10.0, 0.03 * (gene % 200) - 3));
      model.dispersion.push_back(0.01 + 0.02 * (gene % 50));
    }
    std::vector<double> log_factors;
    for (int cell = 0; cell < n_cells; ++cell) log_factors.push_back(0.1 * (cell % 30) - 1.5);
    check(counts, model, log_factors);
  }
}

TEST_CASE("means of zero, tiny and huge means, no dropout") {
  const CsrMatrix counts = maskclass::test::from_dense({{0, 0, 0, 0, 3}, {0, 0, 0, 0, 0}}, 5);
  DropoutModel model;
  model.mean = {0, 1e-300, 1e300, 1, 1};
  model.dispersion = {1, 1e-2, 10, 1e-2, 1};
  for (const auto& [a, b] : {std::pair{-30.0, 0.0}, {2.0, 0.0}, {2.0, 1.0}, {-5.0, 20.0}}) {
    model.a = a;
    model.b = b;
    check(counts, model, {-20.0, 20.0});
  }
}

TEST_CASE("posteriors refuse missing arrays") {
  const TestStream stream;
  const DeviceCounts device(maskclass::test::from_dense({{1}}, 1), stream);
  CHECK_THROWS_AS(biozero_posteriors(device.csr, nullptr, {}, nullptr, nullptr, {}),
                  std::invalid_argument);
}
