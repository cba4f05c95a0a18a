// The example of docs/embedding.md for a GPU: on the caller's stream, in memory of the caller's.
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "engine/denoise.h"
#include "engine/error.h"
#include "kernels/cuda/runtime/context.h"
#include "kernels/cuda/runtime/error.h"
#include "kernels/cuda/runtime/stream.h"
#include "tests/embedding/made_up_counts.h"

namespace {

using maskclass::cuda::check;

/// Memory from CUDA's pool, in the order of the stream.
class Pool final : public maskclass::cuda::Allocator {
 public:
  void* allocate(std::size_t bytes, cudaStream_t stream) override {
    void* memory = nullptr;
    check(cudaMallocAsync(&memory, bytes, stream), "allocating from the pool");
    in_use_ += bytes;
    most_in_use_ = in_use_ > most_in_use_ ? in_use_ : most_in_use_;
    return memory;
  }
  void release(void* memory, std::size_t bytes, cudaStream_t stream) noexcept override {
    static_cast<void>(cudaFreeAsync(memory, stream));
    in_use_ -= bytes;
  }
  std::size_t in_use() const { return in_use_; }
  std::size_t most_in_use() const { return most_in_use_; }

 private:
  std::size_t in_use_ = 0;
  std::size_t most_in_use_ = 0;
};

/// Denoises all cells at once: [kept cells][kept genes], log2(1 + count at median library size).
std::vector<float> denoise(const maskclass::CsrView& counts, maskclass::Device device,
                           const maskclass::cuda::Context* context) {
  maskclass::DenoiseOptions options;
  options.preprocess.n_top_genes = 0;
  options.n_epochs = 3;
  options.device.kind = device;
  options.device.context = context;
  maskclass::Denoiser denoiser(counts, options);
  denoiser.train();
  std::vector<float> values(denoiser.n_cells() * denoiser.n_genes());
  denoiser.compute(0, denoiser.n_cells(), {.log2 = values.data()});
  return values;
}

int run() {
  const maskclass::CsrMatrix counts = made_up_counts();
  maskclass::cuda::Stream stream;
  Pool pool;
  const maskclass::cuda::Context context{stream.get(), &pool};
  const std::vector<float> values = denoise(counts.view(), maskclass::Device::cuda, &context);
  std::printf("denoised %zu values in %zu bytes of the pool\n", values.size(), pool.most_in_use());
  if (pool.most_in_use() == 0 || pool.in_use() != 0) return 1;

  // The processor gives the same, but for rounding in a few steps of training.
  constexpr float kRounding = 1e-4f;
  const std::vector<float> expected = denoise(counts.view(), maskclass::Device::cpu, nullptr);
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!(std::fabs(values[k] - expected[k]) <= kRounding)) return 1;
  }
  return 0;
}

}  // namespace

int main() {
  constexpr int kSkipped = 77;
  const maskclass::GpuList gpus = maskclass::find_gpus();
  if (gpus.gpus.empty()) {
    std::printf("skipped: %s\n", gpus.why_none.c_str());
    return kSkipped;
  }
  try {
    return run();
  } catch (const maskclass::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  } catch (const maskclass::cuda::DeviceError& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
