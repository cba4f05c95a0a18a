// The example of docs/embedding.md: counts in memory in, denoised values out, no files.
#include <cstdio>
#include <vector>

#include "engine/denoise.h"
#include "engine/error.h"

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

/// 39 cells x 5 genes: gene g is counted in the cells whose number is not a multiple of g + 2.
maskclass::CsrMatrix made_up_counts() {
  maskclass::CsrMatrix counts;
  counts.n_cells = 39;
  counts.n_genes = 5;
  for (int cell = 1; cell <= 39; ++cell) {
    for (int gene = 0; gene < 5; ++gene) {
      if (cell % (gene + 2) == 0) continue;
      counts.indices.push_back(gene);
      counts.values.push_back(static_cast<float>(1 + (cell + gene) % 7));
    }
    counts.indptr.push_back(static_cast<std::int64_t>(counts.indices.size()));
  }
  return counts;
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
