#include "engine/device/cuda_calls.h"
#include "engine/preprocess/gene_scaling.h"
#include "kernels/cuda/preprocess/scaled_counts.h"

namespace maskclass::gpu {
namespace {

template <class T>
cuda::DeviceArray<T> upload(std::span<const T> values, const cuda::Context& context) {
  cuda::DeviceArray<T> array(values.size(), context);
  array.upload(values, context, "copying counts to the GPU");
  return array;
}

/// Counts on the device, for the length of a scope.
class UploadedCounts {
 public:
  UploadedCounts(const CsrView& counts, const cuda::Context& context)
      : indptr_(upload(counts.indptr, context)),
        indices_(upload(counts.indices, context)),
        values_(upload(counts.values, context)) {
    csr_.n_cells = counts.n_cells;
    csr_.n_nonzeros = counts.n_nonzeros();
    csr_.n_genes = static_cast<std::int32_t>(counts.n_genes);
    csr_.indptr = indptr_.data();
    csr_.indices = indices_.data();
    csr_.values = values_.data();
  }

  const cuda::DeviceCsr& csr() const { return csr_; }

 private:
  cuda::DeviceArray<std::int64_t> indptr_;
  cuda::DeviceArray<std::int32_t> indices_;
  cuda::DeviceArray<float> values_;
  cuda::DeviceCsr csr_;
};

/// All that has to be allocated, or nothing where the memory is short.
struct ScalingJob {
  UploadedCounts uploaded;
  cuda::ScaledCounts scaled;
  ScalingJob(const CsrView& counts, const cuda::Context& context)
      : uploaded(counts, context), scaled(uploaded.csr(), context) {}

  static std::unique_ptr<ScalingJob> begin(const CsrView& counts, const cuda::Context& context) {
    try {
      return std::make_unique<ScalingJob>(counts, context);
    } catch (const cuda::DeviceError& error) {
      if (error.fault() != cuda::Fault::memory) throw;
      return nullptr;
    }
  }
};

}  // namespace

std::optional<ScaledGenes> scale_genes(const CsrView& counts, std::span<const double> size_factors,
                                       const Winsorising& quantiles, const DeviceOptions& options) {
  return setting_up([&]() -> std::optional<ScaledGenes> {
    const Scope scope(options);
    const cuda::Range range("scale genes");
    const ScopedContext context(options);
    const auto job = ScalingJob::begin(counts, context.get());
    if (!job) return std::nullopt;
    return on_gpu(cuda::current_device().index, [&] {
      ScaledGenes result;
      const cuda::Drain drain(context.get().stream);
      result.scaling.resize(counts.n_genes);
      result.scaled.resize(counts.n_nonzeros());
      job->scaled.set_size_factors(size_factors);
      job->scaled.scale({quantiles.low, quantiles.high});
      job->scaled.download(result.scaling, result.scaled);
      return result;
    });
  });
}

CsrMatrix copy_to_host(const cuda::DeviceCsr& counts, const DeviceOptions& options) {
  cuda::require_csr(counts, "counts on the GPU");
  const Scope scope(options);
  return on_gpu(cuda::current_device().index, [&] {
    const ScopedContext context(options);
    CsrMatrix result;
    const cuda::Drain drain(context.get().stream);
    const auto copy = [&]<class T>(auto& to, const T* from, std::int64_t size) {
      to.resize(size);
      cuda::check(cudaMemcpyAsync(to.data(), from, to.size() * sizeof(T), cudaMemcpyDeviceToHost,
                                  context.get().stream),
                  "copying counts from the GPU");
    };
    result.n_cells = counts.n_cells;
    result.n_genes = counts.n_genes;
    copy(result.indptr, counts.indptr, counts.n_cells + 1);
    copy(result.indices, counts.indices, counts.n_nonzeros);
    copy(result.values, counts.values, counts.n_nonzeros);
    cuda::synchronise(context.get().stream, "copying counts from the GPU");
    return result;
  });
}

}  // namespace maskclass::gpu
