#include "kernels/cuda/output/results.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "engine/biozero/posterior.h"
#include "engine/biozero/table.h"
#include "engine/model/initial_weights.h"
#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/normalise.h"
#include "kernels/math/result_values.h"
#include "tests/cuda/device_data.h"
#include "tests/preprocess/small_matrix.h"

using namespace maskclass;
using namespace maskclass::cuda;
using namespace maskclass::cuda::test;

namespace {

/// A data set with all that a network on the GPU and its results need.
struct Job {
  CsrMatrix counts;
  LibrarySizes libraries;
  std::vector<double> library_factors;
  DropoutModel dropout;
  std::vector<GeneScaling> scaling;
  std::vector<float> scaled;
  std::vector<std::uint32_t> cell_ids;
  BiozeroTable table;
  NetworkShape shape;

  Job(std::int64_t n_cells, std::int32_t n_genes)
      : counts(maskclass::test::random_counts(n_cells, n_genes, 41)),
        libraries(library_sizes_of(counts.view(), 1)),
        shape{n_genes, 16, 8} {
    for (const double size : libraries.sizes) library_factors.push_back(size / libraries.median);
    dropout.a = 1;
    dropout.b = 0.7;
    for (int gene = 0; gene < n_genes; ++gene) {
      dropout.mean.push_back(0.1 + 0.4 * gene);
      dropout.dispersion.push_back(0.2 + 0.1 * (gene % 3));
    }
    scaling = fit_gene_scaling(counts.view(), libraries.size_factors, 1);
    scaled = scale_nonzeros(counts.view(), libraries.size_factors, scaling, 1);
    cell_ids.resize(n_cells);
    std::iota(cell_ids.begin(), cell_ids.end(), 0u);
    const auto posterior = [this](std::int64_t gene, double log_library) {
      return biozero_probability(dropout, gene, log_library);
    };
    table = tabulate(posterior, n_genes, library_factors, std::vector<double>(n_cells, 1.0), 1);
  }

  ScaledData data() const {
    ScaledData data;
    data.n_cells = counts.n_cells;
    data.n_genes = shape.n_genes;
    data.indptr = counts.indptr;
    data.indices = counts.indices;
    data.scaled = scaled;
    data.cell_ids = cell_ids;
    data.genes = scaling;
    data.biozero_coefficients = table.coefficients;
    data.biozero_position = table.position;
    data.biozero_shrink = table.shrink;
    return data;
  }

  ResultInputs inputs(const FinishOptions& finish) const {
    ResultInputs inputs;
    inputs.indptr = counts.indptr;
    inputs.indices = counts.indices;
    inputs.counts = counts.values;
    inputs.size_factors = libraries.size_factors;
    inputs.library_factors = library_factors;
    for (std::size_t gene = 0; gene < dropout.mean.size(); ++gene) {
      inputs.biozero_genes.push_back({std::log(dropout.mean[gene]), dropout.dispersion[gene]});
    }
    inputs.dropout = {dropout.a, dropout.b};
    inputs.finish = finish;
    return inputs;
  }
};

struct HostBlock {
  std::vector<float> log2, counts, latent, biozero;
  HostBlock(std::int64_t n_cells, const NetworkShape& shape)
      : log2(n_cells * shape.n_genes),
        counts(log2.size()),
        latent(n_cells * shape.latent),
        biozero(log2.size()) {}
  ResultBlock all() { return {log2.data(), counts.data(), latent.data(), biozero.data()}; }
};

/// Compares with what the network itself gives and the formulas of the CPU.
void check_results(const Job& job, CudaNetwork& network, const HostBlock& found, std::int64_t first,
                   std::int64_t n, const FinishOptions& finish) {
  std::vector<float> log2(found.log2.size());
  std::vector<float> latent(found.latent.size());
  network.reconstruct(first, n, log2.data(), latent.data());
  REQUIRE(found.latent == latent);
  const maskclass::test::Dense observed = maskclass::test::to_dense(job.counts);
  const std::int64_t n_genes = job.shape.n_genes;
  for (std::int64_t row = 0; row < n; ++row) {
    const std::int64_t cell = first + row;
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      const std::int64_t at = row * n_genes + gene;
      const float count = observed[cell][gene];
      const bool kept = finish.keep_observed && count > 0;
      const float network_value = finish.clamp ? clamped_log2(log2[at]) : log2[at];
      REQUIRE(found.log2[at] ==
              (kept ? log_normalised(count, job.libraries.size_factors[cell]) : network_value));
      // tests/cuda/finish_test.cpp and biozero_posterior_test.cpp derive closer bounds; here it is
      // about which value goes where.
      const float expected_count =
          kept ? count : count_of_log2(network_value, job.library_factors[cell]);
      REQUIRE(std::abs(found.counts[at] - expected_count) <=
              1e-6f * std::abs(expected_count) + 1e-12f);
      const double posterior =
          count > 0 ? 0
                    : biozero_probability(job.dropout, gene, std::log(job.library_factors[cell]));
      REQUIRE(std::abs(found.biozero[at] - posterior) <= 1e-6 * posterior);
    }
  }
}

std::unique_ptr<CudaNetwork> make_network(const Job& job, const TestStream& stream) {
  CudaOptions options;
  options.driver = Driver::graph;
  options.context = stream.context;
  auto network = make_cuda_backend(job.data(), job.shape, {}, options);
  network->set_parameters(initial_weights(job.shape, 3));
  return network;
}

}  // namespace

TEST_CASE("results on the GPU are the network's, finished, wherever a block begins") {
  const Job job(40, 13);
  const TestStream stream;
  const auto network = make_network(job, stream);
  for (const FinishOptions& finish : {FinishOptions{true, true}, FinishOptions{false, false}}) {
    Results results(job.inputs(finish), *network);
    for (const auto& [first, n] : {std::pair{0, 40}, {7, 1}, {39, 1}, {5, 20}, {12, 0}}) {
      HostBlock found(n, job.shape);
      results.compute(first, n, found.all());
      check_results(job, *network, found, first, n, finish);
    }
  }
}

TEST_CASE("results of several blocks, and to device memory") {
  const std::int64_t n = Results::kBlockCells + 5;
  const Job job(n + 3, 2);
  const TestStream stream;
  const auto network = make_network(job, stream);
  Results results(job.inputs({}), *network);
  HostBlock found(n, job.shape);
  results.compute(3, n, found.all());
  check_results(job, *network, found, 3, n, {});

  const auto log2 = stream.array<float>(found.log2.size());
  const auto latent = stream.array<float>(found.latent.size());
  results.compute_on_device(3, n, {.log2 = log2.data(), .latent = latent.data()});
  CHECK(stream.download(log2) == found.log2);
  CHECK(stream.download(latent) == found.latent);
}

TEST_CASE("each result alone") {
  const Job job(9, 5);
  const TestStream stream;
  const auto network = make_network(job, stream);
  Results results(job.inputs({}), *network);
  HostBlock all(9, job.shape);
  results.compute(0, 9, all.all());
  HostBlock one(9, job.shape);
  results.compute(0, 9, {.log2 = one.log2.data()});
  results.compute(0, 9, {.counts = one.counts.data()});
  results.compute(0, 9, {.latent = one.latent.data()});
  results.compute(0, 9, {.biozero = one.biozero.data()});
  CHECK(one.log2 == all.log2);
  CHECK(one.counts == all.counts);
  CHECK(one.latent == all.latent);
  CHECK(one.biozero == all.biozero);
}

TEST_CASE("results refuse cells and arrays of another data set") {
  const Job job(4, 3);
  const TestStream stream;
  const auto network = make_network(job, stream);
  Results results(job.inputs({}), *network);
  CHECK_THROWS_AS(results.compute(2, 3, {}), std::invalid_argument);
  CHECK_THROWS_AS(results.compute(-1, 1, {}), std::invalid_argument);
  ResultInputs broken = job.inputs({});
  broken.library_factors = broken.library_factors.first(2);
  CHECK_THROWS_AS(Results(broken, *network), std::invalid_argument);
}
