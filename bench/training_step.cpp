// How long is a step of training? Prints microseconds a step for the given numbers of threads.
//
//   bench_training_step [cells] [genes] [percent zeros] [gamma] [epochs] [threads...]

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "engine/train/cell_order.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/instruction_set.h"
#include "kernels/math/biozero.h"
#include "kernels/math/philox.h"

namespace {

using namespace maskclass;

/// A made-up data set: every entry is a non-zero with the same probability.
struct MadeUpData {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  std::vector<float> scaled;
  std::vector<std::uint32_t> cell_ids;
  std::vector<GeneScaling> genes;
  std::vector<float> coefficients, position, shrink;

  MadeUpData(std::int64_t n_cells, std::int32_t n_genes, double percent_zeros)
      : cell_ids(n_cells),
        genes(n_genes, GeneScaling{0, 10, 0.2f, 5, 100}),
        coefficients(static_cast<std::size_t>(n_genes) * kBiozeroTerms, 0.02f),
        position(n_cells, 0.3f),
        shrink(n_cells, 0.8f) {
    const auto limit = static_cast<std::uint32_t>((1 - percent_zeros / 100) * 4294967295.0);
    std::iota(cell_ids.begin(), cell_ids.end(), 0);
    for (std::int64_t cell = 0; cell < n_cells; ++cell) {
      for (std::int32_t gene = 0; gene < n_genes; ++gene) {
        const std::uint32_t bits = philox::random_bits(1, philox::Purpose::simulation, 0,
                                                       static_cast<std::uint32_t>(cell), gene);
        if (bits >= limit) continue;
        indices.push_back(gene);
        scaled.push_back(philox::to_unit_float(bits * 2654435761u) * 2 - 1);
      }
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
  }

  ScaledData view() const {
    ScaledData data;
    data.n_cells = static_cast<std::int64_t>(cell_ids.size());
    data.n_genes = static_cast<std::int32_t>(genes.size());
    data.indptr = indptr;
    data.indices = indices;
    data.scaled = scaled;
    data.cell_ids = cell_ids;
    data.genes = genes;
    data.biozero_coefficients = coefficients;
    data.biozero_position = position;
    data.biozero_shrink = shrink;
    return data;
  }
};

double argument(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::atof(argv[index]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const auto n_cells = static_cast<std::int64_t>(argument(argc, argv, 1, 5000));
  const auto n_genes = static_cast<std::int32_t>(argument(argc, argv, 2, 1100));
  const MadeUpData made_up(n_cells, n_genes, argument(argc, argv, 3, 60));
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.biozero_weight = static_cast<float>(argument(argc, argv, 4, 1));
  const auto n_epochs = static_cast<std::uint32_t>(argument(argc, argv, 5, 5));

  std::printf("%lld cells x %d genes, %zu non-zeros, %s\n", static_cast<long long>(n_cells),
              n_genes, made_up.indices.size(), cpu::instruction_set().c_str());
  std::vector<int> thread_counts{1, 2};
  if (argc > 6) {
    thread_counts.clear();
    for (int k = 6; k < argc; ++k) thread_counts.push_back(std::atoi(argv[k]));
  }
  for (const int n_threads : thread_counts) {
    NetworkShape shape;
    shape.n_genes = n_genes;
    const auto backend = cpu::make_cpu_backend(data, shape, options, n_threads);
    Parameters parameters = make_parameters(shape);
    for (auto& block : parameters.blocks) {
      for (float& gain : block.gain) gain = 1;
      for (std::size_t k = 0; k < block.weight.size(); ++k) {
        block.weight[k] = static_cast<float>(k * 7919 % 1000) * 1e-4f - 0.05f;
      }
    }
    backend->set_parameters(parameters);
    double best = 1e30;
    EpochLoss loss;
    for (std::uint32_t epoch = 0; epoch < n_epochs; ++epoch) {
      const std::vector<std::uint32_t> order = cell_order(made_up.cell_ids, epoch, options.seed);
      const auto start = std::chrono::steady_clock::now();
      loss = backend->train_epoch(epoch, order, {});
      const std::chrono::duration<double, std::micro> elapsed =
          std::chrono::steady_clock::now() - start;
      const std::int64_t n_steps = (n_cells + 31) / 32;
      best = std::min(best, elapsed.count() / static_cast<double>(n_steps));
    }
    std::printf("%d threads: %.1f us a step (best epoch), loss %.9g %.9g\n", n_threads, best,
                loss.masked, loss.biozero);
  }
  return 0;
}
