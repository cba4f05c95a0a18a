#pragma once

namespace maskclass {

/// Where results of a block of cells go: row-major, any pointer may be null.
struct DenoisedBlock {
  float* log2 = nullptr;  ///< [n_cells][n_genes]: log2(1 + denoised count at median library size)
  /// [n_cells][n_genes]: (2^log2 - 1) L_i / median(L), with the restored L_i where the value is of
  /// the calibrated model.
  float* counts = nullptr;
  float* latent = nullptr;  ///< [n_cells][latent]
  float* biozero =
      nullptr;  ///< [n_cells][n_genes]: P(no molecule | count 0), unadjusted; 0 at counts.
  // How uncertain log2 is (docs/biozero.md, "Uncertainty"): [n_cells][n_genes] each.
  float* sd = nullptr;   ///< Standard deviation.
  float* q05 = nullptr;  ///< 5 % quantile.
  float* q95 = nullptr;  ///< 95 % quantile.
};

}  // namespace maskclass
