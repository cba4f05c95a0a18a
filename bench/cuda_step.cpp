// An epoch of training on a GPU, for profilers: cudaProfilerStart and cudaProfilerStop enclose it.
// bench/cuda_report.py counts with it what the kernels do.
//
//   bench_cuda_step <graph|persistent> [cells] [genes] [gamma] [fp32|tf32]

#include <cuda_profiler_api.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/model/initial_weights.h"
#include "engine/train/cell_order.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/runtime/error.h"
#include "tests/kernels/made_up_data.h"

int main(int argc, char** argv) {
  using namespace maskclass;
  const bool is_graph = argc > 1 && std::strcmp(argv[1], "graph") == 0;
  if (!is_graph && (argc < 2 || std::strcmp(argv[1], "persistent") != 0)) {
    std::fprintf(stderr,
                 "usage: bench_cuda_step <graph|persistent> [cells] [genes] [gamma] [fp32|tf32]\n");
    return 2;
  }
  const std::int64_t n_cells = argc > 2 ? std::atoll(argv[2]) : 640;
  const std::int32_t n_genes = argc > 3 ? std::atoi(argv[3]) : 1100;
  const test::MadeUpData made_up(n_cells, n_genes);
  const ScaledData data = made_up.view();
  TrainingOptions options;
  options.biozero_weight = argc > 4 ? static_cast<float>(std::atof(argv[4])) : 1.0f;
  cuda::CudaOptions cuda_options;
  cuda_options.driver = is_graph ? cuda::Driver::graph : cuda::Driver::persistent;
  if (argc > 5 && std::strcmp(argv[5], "tf32") == 0) cuda_options.precision = cuda::Precision::tf32;
  NetworkShape shape;
  shape.n_genes = n_genes;
  try {
    const auto backend = cuda::make_cuda_backend(data, shape, options, cuda_options);
    backend->set_parameters(initial_weights(shape, 1));
    const std::vector<std::uint32_t> order = cell_order(made_up.cell_ids, 0, options.seed);
    cuda::check(cudaProfilerStart(), "starting the profiler");
    const EpochLoss loss = backend->train_epoch(0, order, {});
    cuda::check(cudaProfilerStop(), "stopping the profiler");
    std::printf("%s: %lld cells x %d genes, %zu non-zeros: loss %.9g %.9g\n", argv[1],
                static_cast<long long>(n_cells), n_genes, made_up.indices.size(), loss.masked,
                loss.biozero);
  } catch (const cuda::DeviceError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
  return 0;
}
