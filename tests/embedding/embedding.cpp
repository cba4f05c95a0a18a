// The example of docs/embedding.md: counts in memory in, denoised values out, no files.
#include <cstdio>
#include <vector>

#include "engine/denoise.h"
#include "engine/error.h"
#include "tests/embedding/made_up_counts.h"

namespace {

/// Denoises all cells at once: [kept cells][kept genes], log2(1 + count at median library size).
std::vector<float> denoise(const maskclass::CsrView& counts) {
  maskclass::DenoiseOptions options;  // The paper's settings.
  options.preprocess.n_top_genes = 0;
  options.n_epochs = 3;
  maskclass::Denoiser denoiser(counts, options);
  denoiser.train();
  std::vector<float> values(denoiser.n_cells() * denoiser.n_genes());
  denoiser.compute(0, denoiser.n_cells(), {.log2 = values.data()});
  return values;
}

}  // namespace

int main() {
  const maskclass::CsrMatrix counts = made_up_counts();
  try {
    const std::vector<float> values = denoise(counts.view());
    if (values.size() != 195) return 1;
    // Observed values are kept: the first cell counts 2 of the first gene and 6 of the last.
    if (!(values[4] > values[0] && values[0] > 0)) return 1;
    std::printf("denoised %zu values\n", values.size());
  } catch (const maskclass::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
