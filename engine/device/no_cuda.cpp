#include "engine/device/cuda.h"
#include "engine/device/range.h"

namespace maskclass::gpu {
namespace {

const char* const kNotBuilt =
    "this build has no CUDA backend: build with the CUDA Toolkit installed (-DMASKCLASS_CUDA=ON)";

}  // namespace

bool is_built() {
  return false;
}

std::vector<Gpu> find() {
  throw Unusable(kNotBuilt);
}

void check(const DeviceOptions& /*options*/) {
  throw Unusable(kNotBuilt);
}

DeviceBackend make(const ScaledData& /*data*/, const NetworkShape& /*shape*/,
                   const TrainingOptions& /*training*/, const DeviceOptions& /*options*/,
                   int /*n_backends*/, const ResultData* /*results*/) {
  throw Unusable(kNotBuilt);
}

std::optional<ScaledGenes> scale_genes(const CsrView& /*counts*/,
                                       std::span<const double> /*size_factors*/,
                                       const Winsorising& /*quantiles*/,
                                       const DeviceOptions& /*options*/) {
  throw Unusable(kNotBuilt);
}

std::optional<std::vector<double>> gene_products(const CellBlocks& /*blocks*/,
                                                 std::span<const double> /*means*/,
                                                 const DeviceOptions& /*options*/) {
  throw Unusable(kNotBuilt);
}

CsrMatrix copy_to_host(const cuda::DeviceCsr& /*counts*/, const DeviceOptions& /*options*/) {
  throw Unusable(kNotBuilt);
}

}  // namespace maskclass::gpu

namespace maskclass {

ProfilerRange::ProfilerRange(const char* /*name*/) {}
ProfilerRange::~ProfilerRange() = default;

}  // namespace maskclass
