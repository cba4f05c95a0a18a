#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "engine/device/device.h"

/// What device.cpp needs of CUDA: cuda.cpp, or no_cuda.cpp in a build without it.
namespace maskclass::gpu {

/// Why a GPU cannot be used, before a job has begun. The message does not say what else there is.
class Unusable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

bool is_built();

/// At least one. Throws Unusable.
std::vector<Gpu> find();

/// Throws Unusable where the GPU cannot run this build's kernels, or not in this precision.
void check(const DeviceOptions& options);

/// Throws Unusable; the backend and the results throw Error{device}. `results` may be null.
DeviceBackend make(const ScaledData& data, const NetworkShape& shape,
                   const TrainingOptions& training, const DeviceOptions& options, int n_backends,
                   const ResultData* results);

/// fit_gene_scaling and scale_nonzeros (engine/preprocess/gene_scaling.h), to the same bits;
/// nothing where the GPU's memory is short. Throws Unusable before it has begun, Error{device}
/// later.
std::optional<ScaledGenes> scale_genes(const CsrView& counts, std::span<const double> size_factors,
                                       const Winsorising& quantiles, const DeviceOptions& options);

/// As GeneProducts (engine/evaluate/pca.h); nothing where the GPU's memory is short. Throws as
/// scale_genes does.
std::optional<std::vector<double>> gene_products(const CellBlocks& blocks,
                                                 std::span<const double> means,
                                                 const DeviceOptions& options);

/// Throws Error{device}.
CsrMatrix copy_to_host(const cuda::DeviceCsr& counts, const DeviceOptions& options);

}  // namespace maskclass::gpu
