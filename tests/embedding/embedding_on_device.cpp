// The last example of docs/embedding.md: counts that already lie on a GPU in, denoised values on
// the GPU out, on the program's own stream and from its own allocator.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <vector>

#include "engine/denoise.h"
#include "engine/error.h"
#include "kernels/cuda/preprocess/device_csr.h"
#include "kernels/cuda/runtime/memory.h"
#include "kernels/cuda/runtime/stream.h"

namespace {

namespace cuda = maskclass::cuda;

/// The program's own memory; here CUDA's pool, in the order of the stream.
class Pool final : public cuda::Allocator {
 public:
  void* allocate(std::size_t bytes, cudaStream_t stream) override {
    void* memory = nullptr;
    cuda::check(cudaMallocAsync(&memory, bytes, stream), "allocating from the pool");
    return memory;
  }
  void release(void* memory, std::size_t /*bytes*/, cudaStream_t stream) noexcept override {
    static_cast<void>(cudaFreeAsync(memory, stream));
  }
};

/// Denoises all cells into device memory, [kept cells][kept genes].
cuda::DeviceArray<float> denoise(const cuda::DeviceCsr& counts, const cuda::Context& context) {
  maskclass::DenoiseOptions options;
  options.preprocess.n_top_genes = 0;
  options.n_epochs = 2;
  options.device.kind = maskclass::Device::cuda;
  options.device.context = &context;
  maskclass::Denoiser denoiser(counts, options);
  denoiser.train();
  cuda::DeviceArray<float> values(denoiser.n_cells() * denoiser.n_genes(), context);
  denoiser.compute_on_device(0, denoiser.n_cells(), {.log2 = values.data()});
  return values;
}

/// 39 cells x 5 genes on the device: gene g is counted in the cells whose number is not a multiple
/// of g + 2.
struct MadeUpCounts {
  std::vector<std::int64_t> host_indptr{0};
  std::vector<std::int32_t> host_indices;
  std::vector<float> host_values;
  cuda::DeviceArray<std::int64_t> indptr;
  cuda::DeviceArray<std::int32_t> indices;
  cuda::DeviceArray<float> values;

  explicit MadeUpCounts(const cuda::Context& context) {
    for (int cell = 1; cell <= 39; ++cell) {
      for (int gene = 0; gene < 5; ++gene) {
        if (cell % (gene + 2) == 0) continue;
        host_indices.push_back(gene);
        host_values.push_back(static_cast<float>(1 + (cell + gene) % 7));
      }
      host_indptr.push_back(static_cast<std::int64_t>(host_indices.size()));
    }
    indptr = cuda::DeviceArray<std::int64_t>(host_indptr.size(), context);
    indices = cuda::DeviceArray<std::int32_t>(host_indices.size(), context);
    values = cuda::DeviceArray<float>(host_values.size(), context);
    indptr.upload(host_indptr, context, "row starts");
    indices.upload(host_indices, context, "genes");
    values.upload(host_values, context, "counts");
  }

  cuda::DeviceCsr csr() const {
    cuda::DeviceCsr csr;
    csr.n_cells = 39;
    csr.n_genes = 5;
    csr.n_nonzeros = static_cast<std::int64_t>(host_values.size());
    csr.indptr = indptr.data();
    csr.indices = indices.data();
    csr.values = values.data();
    return csr;
  }
};

int run() {
  const cuda::Stream stream;
  Pool pool;
  const cuda::Context context{stream.get(), &pool};
  const MadeUpCounts counts(context);
  const cuda::DeviceArray<float> values = denoise(counts.csr(), context);
  std::vector<float> host(values.size());
  values.download(host, context, "denoised values");
  cuda::synchronise(stream.get(), "denoising");
  if (host.size() != 195) return 1;
  // Observed values are kept: the first cell counts 2 of the first gene and 6 of the last.
  if (!(host[4] > host[0] && host[0] > 0)) return 1;
  std::printf("denoised %zu values on the GPU\n", host.size());
  return 0;
}

}  // namespace

int main() {
  constexpr int kSkipped = 77;
  if (maskclass::find_gpus().gpus.empty()) {
    std::printf("skipped: %s\n", maskclass::find_gpus().why_none.c_str());
    return kSkipped;
  }
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
