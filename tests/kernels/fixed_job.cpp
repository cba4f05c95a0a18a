#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/model/initial_weights.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/made_up_data.h"

/// A small job whose instructions instruction_count.sh counts: an epoch of the dense schedule with
/// the biozero loss, one of the sparse schedule without it, and a reconstruction, on one thread.
int main() {
  using namespace maskclass;
  const NetworkShape shape{480, 64, 32};
  const std::int64_t n_cells = 640;
  const test::MadeUpData made_up(n_cells, shape.n_genes, 0.8);
  const ScaledData data = made_up.view();
  std::vector<std::uint32_t> order(static_cast<std::size_t>(n_cells));
  std::iota(order.rbegin(), order.rend(), 0);
  std::vector<float> log2(static_cast<std::size_t>(n_cells) * shape.n_genes);
  double loss = 0;
  for (const float gamma : {1.0f, 0.0f}) {
    TrainingOptions options;
    options.biozero_weight = gamma;
    options.schedule = gamma == 0 ? Schedule::sparse : Schedule::dense;
    const auto backend = cpu::make_cpu_backend(data, shape, options, 1);
    backend->set_parameters(initial_weights(shape, options.seed));
    loss += backend->train_epoch(0, order, {}).masked;
    backend->reconstruct(0, n_cells, log2.data(), nullptr);
  }
  return loss > 0 ? 0 : 1;
}
