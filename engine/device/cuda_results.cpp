#include <cmath>

#include "engine/biozero/dropout_model.h"
#include "engine/device/cuda_calls.h"
#include "kernels/cuda/output/results.h"

namespace maskclass::gpu {
namespace {

cuda::ResultInputs inputs_of(const ResultData& data) {
  cuda::ResultInputs inputs;
  inputs.indptr = data.counts.indptr;
  inputs.indices = data.counts.indices;
  inputs.counts = data.counts.values;
  inputs.size_factors = data.size_factors;
  inputs.library_factors = data.library_factors;
  if (data.dropout != nullptr) {
    const DropoutModel& model = *data.dropout;
    for (std::size_t gene = 0; gene < model.mean.size(); ++gene) {
      inputs.biozero_genes.push_back({std::log(model.mean[gene]), model.dispersion[gene]});
    }
    inputs.dropout = {model.a, model.b};
  }
  inputs.finish = {data.clamp, data.keep_observed};
  return inputs;
}

class GpuResults final : public DeviceResults {
 public:
  GpuResults(const ResultData& data, cuda::CudaNetwork& network, int index)
      : results_(inputs_of(data), network), index_(index) {}

  void compute(std::int64_t first_cell, std::int64_t n_cells, const DenoisedBlock& out) override {
    on_gpu(index_, [&] { results_.compute(first_cell, n_cells, block_of(out)); });
  }
  void compute_on_device(std::int64_t first_cell, std::int64_t n_cells,
                         const DenoisedBlock& out) override {
    on_gpu(index_, [&] { results_.compute_on_device(first_cell, n_cells, block_of(out)); });
  }
  std::size_t device_bytes() const override { return results_.device_bytes(); }

 private:
  static cuda::ResultBlock block_of(const DenoisedBlock& out) {
    return {out.log2, out.counts, out.latent, out.biozero};
  }

  cuda::Results results_;
  int index_;
};

}  // namespace

std::unique_ptr<DeviceResults> make_results(const ResultData& data, cuda::CudaNetwork& network,
                                            int index) {
  try {
    return std::make_unique<GpuResults>(data, network, index);
  } catch (const cuda::DeviceError& error) {
    if (error.fault() != cuda::Fault::memory) throw;
    return nullptr;
  }
}

}  // namespace maskclass::gpu
