// What do the kernels before and after training ask of a GPU? Runs each once on made-up counts, for
// bench/cuda_report.py to count, or a profiler to time.
//
//   bench_cuda_pipeline [cells] [genes] [percent zeros]

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "kernels/cuda/evaluate/gene_products.h"
#include "kernels/cuda/output/biozero_posterior.h"
#include "kernels/cuda/output/finish.h"
#include "kernels/cuda/preprocess/scaled_counts.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/math/philox.h"

namespace {

using namespace maskclass;

/// Every entry is a count from 1 to 20 with the same probability.
struct MadeUpCounts {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> values;

  MadeUpCounts(std::int64_t n_cells, std::int32_t n_genes, double percent_zeros) {
    const auto limit = static_cast<std::uint32_t>((1 - percent_zeros / 100) * 4294967295.0);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
      for (std::int32_t gene = 0; gene < n_genes; ++gene) {
        const std::uint32_t bits = philox::random_bits(1, philox::Purpose::simulation, 0,
                                                       static_cast<std::uint32_t>(cell), gene);
        if (bits >= limit) continue;
        indices.push_back(gene);
        values.push_back(static_cast<float>(1 + bits % 20));
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
  }
};

template <class T>
cuda::DeviceArray<T> upload(const std::vector<T>& values, const cuda::Context& context) {
  cuda::DeviceArray<T> array(values.size(), context);
  array.upload(values, context, "uploading");
  cuda::synchronise(context.stream, "uploading");
  return array;
}

void run(std::int64_t n_cells, std::int32_t n_genes, double percent_zeros) {
  const cuda::Stream stream;
  const cuda::Context context{stream.get()};
  const MadeUpCounts counts(n_cells, n_genes, percent_zeros);
  const auto indptr = upload(counts.indptr, context);
  const auto indices = upload(counts.indices, context);
  const auto values = upload(counts.values, context);
  const auto n_nonzeros = static_cast<std::int64_t>(counts.values.size());
  const cuda::DeviceCsr csr{n_cells,        n_nonzeros,    n_genes, indptr.data(),
                            indices.data(), values.data(), 0};
  cuda::ScaledCounts scaled(csr, context);
  scaled.measure_libraries();
  scaled.scale();

  const std::size_t size = static_cast<std::size_t>(n_cells) * n_genes;
  const auto log2 = upload(std::vector<float>(size, 1.5f), context);
  const auto out = upload(std::vector<float>(size, 0.0f), context);
  const auto factors = upload(std::vector<double>(n_cells, 1.25), context);
  const auto genes = upload(std::vector<BiozeroGene>(n_genes, {0.5, 0.3}), context);
  cuda::finish_results(csr, scaled.size_factors(), factors.data(), {}, log2.data(), out.data(),
                       context);
  cuda::biozero_posteriors(csr, genes.data(), {1.0, 0.8}, factors.data(), out.data(), context);

  cuda::GeneProducts products(n_genes, static_cast<std::int32_t>(n_cells), context);
  products.start(std::vector<double>(n_genes, 0.5));
  products.add_on_device(n_cells, log2.data());
  std::vector<double> result(static_cast<std::size_t>(n_genes) * n_genes);
  products.download(result);
  std::printf("%lld cells, %d genes, %lld non-zeros\n", static_cast<long long>(n_cells), n_genes,
              static_cast<long long>(n_nonzeros));
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int k, double otherwise) {
    return argc > k ? std::atof(argv[k]) : otherwise;
  };
  try {
    run(static_cast<std::int64_t>(number(1, 1000)), static_cast<std::int32_t>(number(2, 1000)),
        number(3, 80));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
